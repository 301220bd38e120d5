// Selecting rows: all that are shown of a group at once, and one by a key.
import { say } from "./app.js";

const form = document.querySelector("form[data-select]");
const boxes = (root) => [...root.querySelectorAll("tbody input[type=checkbox]")];

function count() {
  const n = boxes(form).filter((box) => box.checked).length;
  const option = form.querySelector("[data-selected]");
  option.textContent = n ? `the ${n} selected` : "the selected ones";
  return n;
}
form?.addEventListener("change", (event) => {
  const box = event.target;
  if (box.type !== "checkbox") return;
  if ("selectAll" in box.dataset) {
    for (const one of boxes(box.closest("[data-group]"))) one.checked = box.checked;
  }
  const n = count();
  if (n && form.elements.scope.value !== "selected") form.elements.scope.value = "selected";
  say(`${n} selected`);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.documentElement.dataset.keys === "off" || document.querySelector("dialog[open]")) return;
  const box = event.target.closest("tr[data-migration-id]")?.querySelector("input[type=checkbox]");
  if (!box || event.target.matches("input:not([type=checkbox])")) return;
  event.preventDefault();
  box.click();
});
if (form) count();
