// Selecting rows: all that are shown of a group at once, and how many there are.
import { say } from "./app.js";

const form = document.querySelector("form[data-select]");
const boxes = (root) => [...root.querySelectorAll("tbody input[type=checkbox]")];

form?.addEventListener("change", ({ target }) => {
  if (target.type !== "checkbox") return;
  if ("selectAll" in target.dataset) {
    for (const box of boxes(target.closest("[data-group]"))) box.checked = target.checked;
  }
  const n = boxes(form).filter((box) => box.checked).length;
  form.querySelector("[data-selected]").textContent = n ? `the ${n} selected` : "the selected ones";
  if (n) form.elements.scope.value = "selected";
  say(`${n} selected`);
});
