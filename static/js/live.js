// Open pages learn of changes: a part marked [data-live] changes in place, a [data-live-list] only when asked to.
import { say, setClock, tick } from "./app.js";

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const EVERY = 10_000, AT_MOST = 300_000; // milliseconds
let { version: shown } = document.body.dataset;
let level = null, failures = 0, timer = 0;

async function poll() {
  clearTimeout(timer);
  if (document.hidden) return; // coming back asks at once
  try {
    const answer = await fetch(document.body.dataset.liveUrl, { headers: { Accept: "application/json" } });
    if (answer.redirected) return signedOut();
    if (!answer.ok) throw new Error(answer.statusText);
    setClock(Date.parse(answer.headers.get("Date")));
    await take(await answer.json());
    failures = 0;
    lost("");
  } catch {
    failures += 1;
    if (failures === 2) lost(`The server can't be reached. This page shows what it had at ${asOf()}.`);
  }
  timer = setTimeout(poll, Math.min(EVERY * 2 ** failures, AT_MOST) * (0.9 + Math.random() * 0.2));
}
document.addEventListener("visibilitychange", poll);

/** Read the page again if the mirror or what is thought of it has changed, and only then. */
async function take(now) {
  freshen(now);
  const same = String(now.version) === shown && (level ?? now.level) === now.level;
  level = now.level;
  if (same) return;
  const page = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!page.ok || page.redirected) throw new Error(page.statusText);
  const next = new DOMParser().parseFromString(await page.text(), "text/html");
  if (replaceParts(next)) shown = String(now.version);
  if ($("[data-live-list]")) offer(next);
}

const asOf = () => $("time[data-freshness] .wide")?.textContent.replace(/^.*of |, $/g, "") ?? "first";
function freshen(now) {
  const time = $("time[data-freshness]");
  if (!time || !now.as_of || time.dateTime === now.as_of) return;
  time.dateTime = now.as_of;
  $(".wide", time).textContent = `Data as of ${now.clock}, `;
  tick();
}

/** What an element says, apart from ages and tokens, which differ from one moment to the next. */
function gist(element) {
  const copy = element.cloneNode(true);
  for (const part of all("[data-age], [data-span], [name=csrfmiddlewaretoken]", copy)) part.remove();
  for (const part of all("[data-sub]", copy)) delete part.dataset.sub;
  copy.classList.remove("flash");
  return copy.outerHTML;
}

/** Whether all parts that differ could be replaced: one that somebody is using is left for the next time. */
function replaceParts(next) {
  let whole = true;
  for (const part of all("[data-live]")) {
    const fresh = next.getElementById(part.id);
    if (!fresh || gist(fresh) === gist(part)) continue;
    if (part.contains(document.activeElement)) { whole = false; continue; }
    part.replaceWith(document.adoptNode(fresh));
    if (!("quiet" in fresh.dataset)) fresh.classList.add("flash");
  }
  if (next.title !== document.title) {
    document.title = next.title;
    if (!$("[data-live-list]")) say(next.title);
  }
  tick();
  return whole;
}

// ---- lists: nothing moves until a person asks ----
/** How many there are, on this page or beyond it. */
const counts = (root) => all("#sentence, #count, [data-live-list] .count", root).map((part) => part.textContent).join("\n");
const states = (list) => new Map(all("tr[data-migration-id]", list).map((row) => [row.dataset.migrationId, gist(row)]));

function offer(next) {
  const before = states($("[data-live-list]")), after = states($("[data-live-list]", next));
  const changed = [...after.keys()].filter((id) => before.get(id) !== after.get(id));
  const left = [...before.keys()].filter((id) => !after.has(id)).length;
  const words = changed.length ? `${changed.length} changed` : left ? `${left} left this list` : counts(document) !== counts(next) ? "Counts changed" : "";
  if ($("#news").dataset.words === words) return;
  $("#news").dataset.words = words;
  $("#news").replaceChildren();
  if (!words) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button primary" });
  button.textContent = `${words}: show`;
  button.addEventListener("click", () => show(next, changed));
  $("#news").append(button);
  say(words);
}
function show(next, changed) {
  const ticked = new Set(all("[data-live-list] input:checked").map((box) => box.value));
  for (const part of all("[data-live-list], [data-with-list]")) {
    const fresh = next.getElementById(part.id);
    if (fresh) part.replaceWith(document.adoptNode(fresh));
  }
  for (const box of all("[data-live-list] input[type=checkbox]")) box.checked ||= ticked.has(box.value);
  for (const row of all("tr[data-migration-id]")) row.classList.toggle("flash", changed.includes(row.dataset.migrationId));
  $("#news").replaceChildren();
  $("#news").dataset.words = "";
  $("[data-live-list] [role=region]")?.focus({ preventScroll: true });
  tick();
}

// ---- when nobody answers ----
function lost(words) {
  const place = $("#offline");
  place.hidden = !words;
  place.textContent = words;
}
function signedOut() {
  lost("You are signed out. ");
  const here = encodeURIComponent(location.pathname + location.search);
  $("#offline").append(Object.assign(document.createElement("a"), { href: `/accounts/login/?next=${here}`, textContent: "Sign in again" }));
}

poll();
