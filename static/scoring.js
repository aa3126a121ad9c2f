// Refuses a file that is too large before it travels, and says when a file has been scored; `say` is of page.js.
const form = document.getElementById("upload");

function tooLarge(input) {
  const most = Number(form.dataset.most);
  const [file] = input.files;
  const told = file && file.size > most ? `The file has ${Math.ceil(file.size / 1e6)} MB; split it into files of at most ${Math.floor(most / 1e6)} MB.` : "";
  input.setCustomValidity(told);
  document.getElementById("file-wrong").textContent = told;
  input.toggleAttribute("aria-invalid", told !== "");
}

if (form) {
  const input = form.elements.file;
  input.addEventListener("change", () => tooLarge(input));
  for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    input.addEventListener(name, () => input.classList.toggle("over", over));
  }
  form.addEventListener("submit", () => {
    form.querySelector("button").disabled = true;
    document.getElementById("uploading").textContent = "Uploading and checking the file…";
  });
  addEventListener("pageshow", () => { form.querySelector("button").disabled = false; });
}

const known = new Map();
const remember = () => {
  for (const file of document.querySelectorAll(".file")) {
    const told = file.dataset.told || "";
    if (known.has(file.id) && told && known.get(file.id) !== told) say(told);
    known.set(file.id, told);
  }
};
remember();
document.addEventListener("htmx:after:swap", remember);
