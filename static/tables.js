// Every table marked `data-table` can be sorted, filtered and downloaded, on the page that is there already.
// A cell sorts by its `data-value` or the instant that it begins with, where it has one, else by its text; it
// downloads alike. A column of `data-sorts="no"` is neither sorted nor downloaded.
const LEAST_TO_SORT = 2;
const LEAST_TO_FILTER = 8;
const RISKY_START = /^[=+\-@\t\r]/;
const DATE = /^\d{4}-\d\d-\d\d/;
const PLAIN_NUMBER = /^-?[\d.]+(e-?\d+)?$/i;

const text = (cell) => cell.textContent.replace(/\s+/g, " ").trim();
const value = (cell) => cell?.dataset.value ?? instant(cell) ?? (cell ? text(cell) : "");
const label = (table) => text(table.caption ?? document.querySelector("h1"));

function instant(cell) {
  const time = cell?.querySelector("time");
  return time && text(cell).startsWith(text(time)) ? time.dateTime : undefined;
}

// The heads of the columns that are sorted and downloaded.
function telling(table) {
  return [...table.tHead.rows[0].cells].filter((head) => text(head) && head.dataset.sorts !== "no");
}

// The number that a text begins with, as people write it: 1,397 of 2,088 is 1397.
function figure(words) {
  const found = /^[+\u2212-]?[\d,]*\.?\d+(?:e[+-]?\d+)?/i.exec(words);
  return found ? Number(found[0].replaceAll(",", "").replace("\u2212", "-")) : NaN;
}

function compare(a, b) {
  const apart = DATE.test(a) ? 0 : figure(a) - figure(b);
  return apart || a.localeCompare(b, "en", { numeric: true });
}

// What is empty comes last, whichever way the others go.
function sort(table, column, way) {
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const [x, y] = [value(a.cells[column]), value(b.cells[column])];
    if (x === "" || y === "") return (x === "") - (y === "");
    return way === "ascending" ? compare(x, y) : compare(y, x);
  });
  const heads = [...table.tHead.rows[0].cells];
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", way);
  table.tBodies[0].append(...rows);
  tell(`Sorted by ${text(heads[column])}, ${way}`);
}

function tell(words) {
  announcer().textContent = words;
}

function announcer() {
  const found = document.getElementById("announce");
  if (found) return found;
  const made = document.createElement("p");
  Object.assign(made, { id: "announce", className: "unseen" });
  made.setAttribute("role", "status");
  document.getElementById("main").append(made);
  return made;
}

function turn(head, table) {
  sort(table, head.cellIndex, head.getAttribute("aria-sort") === "descending" ? "ascending" : "descending");
}

function makeSortable(table) {
  for (const head of telling(table)) {
    if (head.querySelector("button")) continue;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "sort" });
    button.append(...head.childNodes);
    head.append(button);
  }
}

// What a row says, without what can be done to it.
function words(row) {
  const copy = row.cloneNode(true);
  for (const each of copy.querySelectorAll("button, select")) each.remove();
  return text(copy);
}

function filtering(table) {
  const input = document.createElement("input");
  Object.assign(input, { type: "search", placeholder: "Filter", autocomplete: "off" });
  input.setAttribute("aria-label", `Filter: ${label(table)}`);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) row.hidden = !words(row).toLowerCase().includes(wanted);
    const shown = rows.filter((row) => !row.hidden).length;
    tell(`${shown} of ${rows.length} rows`);
  });
  return input;
}

// Where rows are cards there are no heads to press.
function choosing(table) {
  const select = document.createElement("select");
  select.className = "narrow-only";
  select.setAttribute("aria-label", `Sort: ${label(table)}`);
  select.add(new Option("Sort by", ""));
  for (const head of table.tHead.rows[0].cells) {
    if (!head.querySelector(".sort")) continue;
    for (const way of ["ascending", "descending"]) {
      select.add(new Option(`${text(head)}, ${way}`, `${head.cellIndex} ${way}`));
    }
  }
  select.addEventListener("change", () => {
    const [column, way] = select.value.split(" ");
    if (way) sort(table, Number(column), way);
  });
  return select;
}

// No spreadsheet may take a cell for a formula.
function cellOfFile(words) {
  const safe = RISKY_START.test(words) && !PLAIN_NUMBER.test(words) ? `'${words}` : words;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function fileOf(table) {
  const kept = telling(table).map((head) => head.cellIndex);
  const rows = [table.tHead.rows[0], ...[...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !row.hidden)];
  const lines = rows.map((row) => kept.map((column) => cellOfFile(value(row.cells[column]))).join(","));
  return new Blob([`\ufeff${lines.join("\r\n")}\r\n`], { type: "text/csv;charset=utf-8" });
}

function downloading(table) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "quiet", textContent: "Download CSV" });
  button.setAttribute("aria-label", `Download CSV: ${label(table)}`);
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(fileOf(table));
    link.download = `${table.dataset.table}.csv`;
    link.click();
    // Some browsers read it only after the click.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  return button;
}

function equip(table) {
  if (table.dataset.equipped || !table.tHead) return;
  table.dataset.equipped = "yes";
  const rows = table.tBodies.length === 1 ? table.tBodies[0].rows.length : 0;
  if (rows >= LEAST_TO_SORT) makeSortable(table);
  const tools = document.createElement("div");
  tools.className = "table-tools";
  if (rows >= LEAST_TO_FILTER) tools.append(filtering(table));
  if (rows >= LEAST_TO_SORT) tools.append(choosing(table));
  if (table.dataset.download !== "no") tools.append(downloading(table));
  if (tools.childNodes.length) (table.closest(".answers, .table-scroll") ?? table).before(tools);
}

function equipAll() {
  for (const table of document.querySelectorAll("table[data-table]")) equip(table);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("table[data-table] button.sort");
  if (button) turn(button.closest("th"), button.closest("table"));
});
document.addEventListener("htmx:after:swap", equipAll);
equipAll();
