// A button beside each password that shows it, and hides it again before it is sent.
function equip(field) {
  const label = field.labels[0].textContent;
  const button = document.createElement("button");
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-label", `${button.textContent}: ${label}`);
  };
  button.type = "button";
  button.className = "quiet reveal";
  button.setAttribute("aria-controls", field.id);
  button.addEventListener("click", () => show(field.type === "password"));
  field.form.addEventListener("submit", () => show(false));
  show(false);
  field.after(button);
}

for (const field of document.querySelectorAll('input[type="password"]')) equip(field);
