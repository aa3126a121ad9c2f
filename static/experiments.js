// Adds up the shares while they are typed; the server checks them either way.
const form = document.querySelector("form[data-shares]");
const sum = form.querySelector("[data-sum]");

function add() {
  const shares = [...form.querySelectorAll("[name^='share.']")].map((field) => Number(field.value) || 0);
  const whole = Math.round(shares.reduce((a, b) => a + b, 0) * 1e6) / 1e6;
  sum.value = whole === 0 ? "" : whole === 100 ? "Together 100%." : `Together ${whole}%, not 100%.`;
}

form.addEventListener("input", add);
add();
