// What the configuration's pages can do better with a script; the server checks all of it either way.
const form = document.querySelector("form[data-config]");
const whole = new Intl.NumberFormat("en");
const number = (text) => Number(String(text).replace(",", "."));
const tell = (words) => { document.getElementById("announce").textContent = words; };
const tidy = (value) => Math.round(value * 1e4) / 1e4;

document.documentElement.classList.add("scripting");

// The cutoff: the line, the bars and the sentence follow the slider.
function atLeast(counts, percent) {
  const first = Math.min(Math.floor(tidy(percent)), counts.length - 1);
  const above = counts.slice(first + 1).reduce((a, b) => a + b, 0);
  return Math.round(counts[first] * (first + 1 - tidy(percent))) + above;
}

function effectOf(figure, percent) {
  const counts = figure.dataset.counts.split(",").map(Number);
  const [now, then] = [atLeast(counts, Number(figure.dataset.cutoff)), atLeast(counts, percent)];
  const of = whole.format(figure.querySelector("[data-effect]").dataset.of);
  if (tidy(percent) === Number(figure.dataset.cutoff)) {
    return `${whole.format(now)} of ${of} clients are at high risk by their newest score.`;
  }
  return `From ${tidy(percent)}%: ${whole.format(then)} of ${of} clients would be at high risk, now ${whole.format(now)}.`;
}

function draw(figure, percent) {
  const line = figure.querySelector("line.cutoff");
  line.setAttribute("x1", percent);
  line.setAttribute("x2", percent);
  for (const bar of figure.querySelectorAll("rect")) {
    bar.classList.toggle("high", Number(bar.getAttribute("x")) >= percent - 1e-6);
  }
  figure.querySelector("[data-effect]").value = effectOf(figure, percent);
}

function leadCutoff(control) {
  const [slider, field] = control.querySelectorAll("input");
  const figure = control.closest(".setting").querySelector(".spread");
  const show = () => {
    const percent = number(field.value);
    const possible = field.value.trim() !== "" && percent >= 1 && percent <= 99;
    field.toggleAttribute("aria-invalid", !possible);
    if (!possible) return field.setAttribute("aria-invalid", "true");
    slider.value = percent;
    slider.setAttribute("aria-valuetext", `${tidy(percent)}%`);
    if (figure) draw(figure, percent);
  };
  slider.addEventListener("input", () => { field.value = slider.value; show(); });
  field.addEventListener("input", show);
  show();
}

// Arms: what one gets more, the others get less, in proportion, so that they always come to 100.
function share(rest, others) {
  const sum = others.reduce((a, b) => a + b, 0);
  const parts = others.map((each) => Math.round((sum ? (rest * each) / sum : 0) * 10) / 10);
  const largest = parts.indexOf(Math.max(...parts));
  parts[largest] += rest - parts.reduce((a, b) => a + b, 0);
  return parts.map(tidy);
}

function leadArms(box) {
  const arms = [...box.querySelectorAll(".slide")].map((each) => [...each.querySelectorAll("input")]);
  const show = () => {
    for (const [slider, field] of arms) slider.value = number(field.value) || 0;
    const sum = tidy(arms.reduce((sum, [, field]) => sum + (number(field.value) || 0), 0));
    box.querySelector("[data-together]").value = `Together ${sum}%${sum === 100 ? "." : ", not 100%."}`;
  };
  for (const [slider, field] of arms) {
    slider.addEventListener("input", () => {
      const others = arms.filter(([each]) => each !== slider);
      if (!others.length) slider.value = 100;
      field.value = slider.value;
      const parts = share(100 - Number(slider.value), others.map(([, each]) => number(each.value) || 0));
      others.forEach(([, each], place) => { each.value = parts[place]; });
      show();
    });
    field.addEventListener("input", show);
  }
  show();
}

// Recipients: a chip for each line of the field, which stays the one that is sent.
function leadChips(field) {
  const list = document.createElement("ul");
  list.className = "chips";
  const adder = document.createElement("div");
  adder.className = "adder";
  adder.innerHTML = '<input type="text" autocomplete="off" autocapitalize="none" spellcheck="false"><button type="button" class="quiet">Add</button>';
  const [input, add] = adder.children;
  input.id = `${field.id}-more`;
  const label = field.labels[0];
  label.htmlFor = input.id;
  label.textContent = label.textContent.split(",")[0];
  input.setAttribute("aria-describedby", field.getAttribute("aria-describedby"));
  const lines = () => field.value.split(/[\n,]/).map((line) => line.trim()).filter(Boolean);
  const keep = (all) => {
    field.value = [...new Set(all)].join("\n");
    show();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const show = () => {
    list.replaceChildren(...lines().map((line) => {
      const [chip, away] = [document.createElement("li"), document.createElement("button")];
      away.type = "button";
      away.textContent = "×";
      away.setAttribute("aria-label", `Remove ${line}`);
      away.addEventListener("click", () => { keep(lines().filter((each) => each !== line)); tell(`${line} removed`); input.focus(); });
      chip.append(line, away);
      return chip;
    }));
  };
  const take = () => {
    if (!input.value.trim()) return;
    tell(`${input.value.trim()} added`);
    keep([...lines(), ...input.value.split(/[\s,;]+/).filter(Boolean)]);
    input.value = "";
  };
  add.addEventListener("click", take);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== ",") return;
    event.preventDefault();
    take();
  });
  field.form.addEventListener("submit", take);
  field.hidden = true;
  field.before(list, adder);
  show();
}

// A rule that is off has no limit to enter.
function leadSwitch(toggle) {
  const field = document.getElementById(toggle.dataset.switches);
  const show = () => { field.disabled = !toggle.checked; };
  toggle.addEventListener("change", show);
  show();
}

// What was touched is said, beside it and at the end of the page.
const stateOf = (setting) => JSON.stringify([...setting.querySelectorAll("[name]:not([type=hidden])")].map(
  (field) => (field.type === "checkbox" ? field.checked : field.value),
));

function watchSettings() {
  const settings = [...form.querySelectorAll("[data-setting]")];
  const first = new Map(settings.map((each) => [each, stateOf(each)]));
  const show = () => {
    const touched = settings.filter((each) => "edited" in each.dataset || stateOf(each) !== first.get(each));
    for (const each of settings) each.classList.toggle("touched", touched.includes(each));
    const words = touched.length ? `To change: ${touched.map((each) => each.dataset.setting).join(", ")}.` : "";
    for (const place of form.querySelectorAll("[data-pending]")) place.textContent = words;
    form.querySelector("p[data-pending]").hidden = !words;
    form.querySelector("[data-dock]").hidden = !words;
  };
  form.addEventListener("input", show);
  show();
}

// A link to a key opens its control.
function openWanted() {
  const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  wanted?.querySelector("details.edit")?.setAttribute("open", "");
}

// While the server rehearses: once is enough, and it is said aloud.
function busy(event) {
  const button = event.target.querySelector("button:not([type=button]):not(.chips button)");
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = "yes";
  if (!button) return;
  button.setAttribute("aria-busy", "true");
  button.textContent = event.target.dataset.busy;
  tell(event.target.dataset.busy);
}

if (form) {
  form.querySelectorAll("[data-cutoff-control]").forEach(leadCutoff);
  form.querySelectorAll("[data-arms]").forEach(leadArms);
  form.querySelectorAll("[data-chips]").forEach(leadChips);
  form.querySelectorAll("[data-switches]").forEach(leadSwitch);
  watchSettings();
  document.getElementById("wrong")?.focus();
}
openWanted();
window.addEventListener("hashchange", openWanted);
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
for (const each of document.querySelectorAll("form[data-busy]")) each.addEventListener("submit", busy);
