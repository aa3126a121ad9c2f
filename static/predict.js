// Sorts a table without asking again; `say` is of page.js.
function compare(a, b) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
}

function sort(button) {
  const head = button.closest("th");
  const body = button.closest("table").tBodies[0];
  const way = head.getAttribute("aria-sort") === "descending" ? "ascending" : "descending";
  const value = (row) => row.cells[button.dataset.column].dataset.value;
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return x === "" || y === "" || way === "ascending" ? compare(x, y) : compare(y, x);
  });
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", way);
  body.append(...rows);
  say(`Sorted by ${button.textContent.trim()}, ${way}`);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.sort");
  if (button) sort(button);
});
