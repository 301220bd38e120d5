// How far a sync is: one that runs, or one that was just asked for (#after-41: any later than run 41).
import { say } from "./app.js";

const line = document.querySelector("[data-progress]");
const EVERY = 2000, PATIENCE = 120_000; // milliseconds
const asked = location.hash.match(/^#after-(\d+)$/);
let after = asked ? Number(asked[1]) : Infinity;

function show(run) {
  const done = `${run.seen} seen, ${run.created} new, ${run.changed} changed, ${run.requests} requests, ${run.took}`;
  line.hidden = false;
  line.textContent = run.running ? `A ${run.mode} is at work: ${done}` : `The ${run.mode} ended ${run.outcome}: ${done}. `;
  if (run.running) return;
  line.append(Object.assign(document.createElement("a"), { href: run.href, textContent: "Show the run" }));
  say(`The ${run.mode} ended ${run.outcome}`);
}
async function poll(until) {
  const answer = await fetch(line.dataset.progress).catch(() => null); // a lost server is told of elsewhere
  const run = answer?.ok ? await answer.json() : null;
  if (run?.running) after = run.run - 1;
  if (run?.run > after) show(run);
  const ended = run && !run.running && (run.run > after || after === Infinity);
  if (!ended && Date.now() < until) setTimeout(poll, EVERY, run?.running ? Date.now() + PATIENCE : until);
}
if (line) poll(Date.now() + PATIENCE);
