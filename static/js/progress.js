// How far the running sync is: the line is there only while one runs or has just ended.
import { say } from "./app.js";

const line = document.querySelector("[data-progress]");
const EVERY = 2000, IDLE = 10000; // milliseconds
let watched = null;

function words(run) {
  const done = `${run.seen} seen, ${run.created} new, ${run.changed} changed, ${run.requests} requests, ${run.took}`;
  return run.running ? `A ${run.mode} is at work: ${done}` : `The ${run.mode} ended ${run.outcome}: ${done}. `;
}
function show(run) {
  if (run.running) watched = run.run;
  if (run.run !== watched) return;
  line.hidden = false;
  line.textContent = words(run);
  if (run.running) return;
  line.append(Object.assign(document.createElement("a"), { href: run.href, textContent: "Show the run" }));
  say(`The ${run.mode} ended ${run.outcome}`);
  watched = null;
}
async function poll() {
  if (!document.hidden) {
    try {
      const answer = await fetch(line.dataset.progress);
      if (answer.ok) show(await answer.json());
    } catch { /* the page that lost its server says so elsewhere */ }
  }
  setTimeout(poll, watched ? EVERY : IDLE);
}
if (line) poll();
