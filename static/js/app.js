// What every page gains from a script; each page is complete without it.
const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const root = document.documentElement;
root.classList.add("scripted");

/** Tell screen readers, politely; the same words twice are told twice. */
export function say(words) {
  const place = $("#say");
  place.textContent = "";
  setTimeout(() => { place.textContent = words; }, 50);
}

// ---- ages: the same words as dashboard/wording.py ----
let ahead = 0; // milliseconds that this machine's clock is ahead of the server's, as far as is known
export function setClock(serverTime) { ahead = Date.now() - serverTime; }

const two = (n, unit, rest, part) => `${n} ${unit} ${Math.floor(rest)} ${part}`;
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return two(Math.floor(s / 3600), "h", (s % 3600) / 60, "min");
  return two(Math.floor(s / 86400), "d", (s % 86400) / 3600, "h");
}
/**
 * Count on: [data-age] is "14 s ago" (left alone from 14 days on), [data-span] is "14 s" after any words.
 * Since when: the attribute says, in seconds since 1970, or else the <time> that it stands on or in.
 */
export function tick() {
  for (const mark of all("[data-age], [data-span]")) {
    const counts = "span" in mark.dataset;
    const since = (mark.dataset.age || mark.dataset.span) * 1000 || Date.parse(mark.closest("time").dateTime);
    const seconds = (Date.now() - ahead - since) / 1000;
    if (!(seconds >= 0) || (!counts && seconds >= 14 * 86400)) continue;
    const words = counts ? /^\D*/.exec(mark.textContent)[0] + span(seconds) : `${span(seconds)} ago`;
    if (mark.textContent !== words) mark.textContent = words;
  }
}
setInterval(() => document.hidden || tick(), 1000);
document.addEventListener("visibilitychange", () => document.hidden || tick());

// ---- copying ----
async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    say("Copying is not allowed here");
    return;
  }
  say("Copied");
  const label = button && $("[data-label]", button);
  if (!label || label.dataset.was) return;
  label.dataset.was = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = label.dataset.was; delete label.dataset.was; }, 2000);
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copy, button);
  if (event.target.closest("[data-keys-help]")) help();
  for (const menu of all("[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("click", (event) => {
  const file = event.target.closest("[data-export]");
  const note = $("#export-note");
  if (!file || !note) return;
  note.textContent = `Your browser is loading ${file.dataset.export} migrations as ${file.textContent.trim()}. Go on working meanwhile.`;
});

// ---- forms: what is empty stays out of the address ----
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});
$("[data-my-zone]")?.addEventListener("click", () => {
  $("#zone").value = Intl.DateTimeFormat().resolvedOptions().timeZone;
});

// ---- keyboard ----
function help() {
  const list = $("#keys");
  if (!list) return;
  if (!$("#keys ~ dialog")) list.after(list.content.cloneNode(true));
  $("#keys ~ dialog").showModal();
}
const links = () => all("tr[data-migration-id] th a").filter((link) => link.offsetParent);
const row = () => document.activeElement?.closest("tr[data-migration-id]");

function step(by) {
  const rows = links();
  const at = rows.findIndex((link) => link.closest("tr") === row());
  const start = by > 0 ? 0 : rows.length - 1;
  const next = rows[at < 0 ? start : Math.min(rows.length - 1, Math.max(0, at + by))];
  next?.focus();
}
const keys = {
  "/": () => { $("[data-search]")?.focus(); $("[data-search]")?.select(); },
  j: () => step(1),
  k: () => step(-1),
  o: () => row() && $("th a", row()).click(),
  x: () => row() && $("input[type=checkbox]", row())?.click(),
  c: () => row() && copy(row().dataset.migrationId),
  "?": help,
};
const typing = (place) => place.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { leave(event.target); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || root.dataset.keys === "off") return;
  if (typing(event.target) || $("dialog[open]") || !Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});
function leave(place) {
  const menu = $("[data-menu][open]");
  if (menu) {
    menu.open = false;
    $("summary", menu).focus();
  } else if (place.matches("[data-search]")) {
    place.blur();
  }
}

// Whoever stays on a page learns of changes; nobody waits for that when it opens.
const { live } = document.body.dataset;
if (live) setTimeout(() => import(live), 5000);
