// Asks for newer figures each half minute: while the page is seen, and somebody was here in the last half hour, so that
// a forgotten window keeps no session alive. What was unfolded stays unfolded.
const EVERY = 30_000;
const ABANDONED = 30 * 60_000;
const pace = document.getElementById("pace");
let here = Date.now();
let unfolded = [];

function refresh() {
  const abandoned = Date.now() - here > ABANDONED;
  pace.textContent = abandoned ? "Paused: nobody was here for half an hour." : "Renewed every 30 seconds.";
  if (document.hidden || abandoned) return;
  for (const part of ["live", "figures"]) document.getElementById(part).dispatchEvent(new Event("refresh"));
}

for (const sign of ["pointerdown", "pointermove", "keydown", "scroll"]) {
  document.addEventListener(sign, () => { here = Date.now(); }, { passive: true });
}
document.addEventListener("htmx:before:swap", () => {
  unfolded = [...document.querySelectorAll("details[open][id]")].map((each) => each.id);
});
document.addEventListener("htmx:after:swap", () => {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
});
pace.textContent = "Renewed every 30 seconds.";
setInterval(refresh, EVERY);
