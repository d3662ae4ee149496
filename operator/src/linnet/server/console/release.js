// One release: read anew at each change that its stream tells of.

import { offer, drop } from "./asking.js";
import { check } from "./checks.js";
import * as client from "./client.js";
import { byId, el, reveal, show } from "./dom.js";
import { asked, experiment } from "./experiment.js";
import { traffic } from "./traffic.js";
import { entry } from "./trail.js";

const RIGHTS_MS = 60_000;
const AGAIN_MS = [1_000, 2_000, 5_000, 10_000];

let opened = null; // the release that is looked at, and what ends that

/** Look at a release until another one is opened. tell: says something; lost: the token is bad. */
export function open(one, tell, lost) {
  close();
  const look = { one, tell, lost, stop: null, rights: null, asked: 0, said: "", busy: false, again: false };
  opened = look;
  byId("name").textContent = one.name;
  follow(look);
}

/** Look at none. */
export function close() {
  opened?.stop?.abort();
  opened = null;
  drop();
  byId("name").textContent = "No release is chosen";
  byId("body").hidden = true;
  byId("state").textContent = "";
}

async function follow(look) {
  for (let tries = 0; opened === look; ) {
    await visible();
    if (opened !== look) return;
    look.stop = new AbortController();
    try {
      await client.live(look.one, look.stop, () => {
        tries = 0;
        byId("state").textContent = "● live";
        refresh(look);
      });
    } catch (error) {
      if (opened !== look) return;
      if (ended(look, error)) return;
    }
    if (opened !== look) return;
    byId("state").textContent = "○ connecting again";
    await new Promise((go) => setTimeout(go, AGAIN_MS[Math.min(tries, AGAIN_MS.length - 1)]));
    tries += 1;
  }
}

/** A tab that nobody looks at holds no stream: a browser has few connections to one server. */
function visible() {
  if (!document.hidden) return null;
  return new Promise((go) => {
    document.addEventListener("visibilitychange", go, { once: true });
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) opened?.stop?.abort();
});

/** Whether it makes no sense to try again. */
function ended(look, error) {
  if (error.status === 401) look.lost(error);
  if (![401, 403, 404].includes(error.status)) return false;
  if (error.status !== 401) {
    byId("body").hidden = true;
    byId("state").textContent = "";
    look.tell(error.message);
  }
  return true;
}

/** Read and show; a change that comes in between is read after that. */
async function refresh(look) {
  if (look.busy) {
    look.again = true;
    return;
  }
  look.busy = true;
  try {
    do {
      look.again = false;
      await read(look);
    } while (look.again && opened === look);
  } catch (error) {
    if (opened === look) ended(look, error);
  } finally {
    look.busy = false;
  }
}

async function read(look) {
  const stale = !look.rights || performance.now() - look.asked > RIGHTS_MS;
  const [detail, samples, health, rights] = await Promise.all([
    client.see(look.one), client.see(look.one, "/samples"), client.see(look.one, "/health"),
    stale ? client.see(look.one, "/rights") : look.rights,
  ]);
  if (opened !== look) return;
  if (stale) look.asked = performance.now();
  look.rights = rights;
  render(look, detail, samples.items, health.problems);
}

function render(look, detail, samples, problems) {
  const { status } = detail;
  byId("user").textContent = look.rights.user;
  byId("name").textContent = detail.name;
  byId("phase").textContent = status.phase + (detail.spec.suspend ? ", paused" : "");
  byId("message").textContent = status.message ?? "";
  show(byId("problems"), problems, (all) => all.map((each) => el("li", {}, each)));
  show(byId("traffic"), [status.weight, status.phase, status.stableRevision, status.canaryRevision,
    detail.spec.steps], () => traffic(detail));
  tried(look, detail);
  show(byId("checks"), samples, (all) => all.length ? all.map(check)
    : el("li", { class: "hint" }, "Nothing has been measured yet."));
  show(byId("trail"), status.history ?? [], (all) => all.length ? [...all].reverse().map(entry)
    : el("li", { class: "hint" }, "Nothing has been decided yet."));
  reveal(byId("body"), true);
  offer(detail, look.rights, (words, error) => {
    if (error) return look.lost(error);
    look.tell(words);
    look.rights = null;
    return refresh(look);
  });
  announce(look, detail);
}

/** Show the experiment, if there is or was one. */
function tried(look, detail) {
  const { experiment: one } = detail.status;
  const metrics = asked(detail)?.metrics ?? [];
  if (one) show(byId("trial"), [one, metrics], () => experiment(one, metrics));
  reveal(byId("experiment"), Boolean(one), byId("name"));
  reveal(byId("report"), Boolean(one?.recordedAt), byId("name"));
  byId("report").onclick = () => keepReport(look, one);
}

/** The report as a file: a page that is shown here would be under this page's policy. */
async function keepReport(look, one) {
  try {
    const link = el("a", { download: `${one.id}.html` });
    link.href = URL.createObjectURL(await client.report(look.one));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    look.tell(`The report of ${one.id} is among your downloads.`);
  } catch (error) {
    if (error.status === 401) return look.lost(error);
    look.tell(error.message);
  }
}

/** Say where the release is, once for each phase and weight: not each measurement. */
function announce(look, { name, status }) {
  const words = `${name}: ${status.phase}, the canary has ${status.weight?.seen ?? 0}\u00a0%`;
  if (look.said && look.said !== words) look.tell(words);
  look.said = words;
}
