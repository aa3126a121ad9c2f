// What every page can do better with a script: say aloud what changed, go there, and report a dead line.
const say = (text) => { document.getElementById("announce").textContent = text; };

document.addEventListener("htmx:after:swap", () => {
  const place = document.querySelector("[data-focus]");
  if (!place) return;
  // What comes next is the news then.
  delete place.dataset.focus;
  place.focus();
  say(place.dataset.say || place.textContent.trim());
});

document.addEventListener("htmx:error", () => {
  say("The service could not be reached. Check the connection and try again.");
  document.getElementById("announce").classList.remove("unseen");
});
