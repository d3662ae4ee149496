// The HTTP API as this tab's person. The token is in memory and in the tab's session storage, and
// travels in a header only.

const KEPT = "linnet";
const SILENT_MS = 30_000; // a stream that says nothing for so long is gone: it speaks each 10 s
const BASE = new URL("../api/v2/", document.baseURI);

let kept = { token: "", namespace: "", ...JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") };

export const signedIn = () => kept.token !== "";
export const namespace = () => kept.namespace;

export function keep(token, where) {
  kept = { token, namespace: where };
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
}

export function forget() {
  kept = { token: "", namespace: "" };
  sessionStorage.removeItem(KEPT);
}

/** What the API has refused. status: 0 where it could not be asked. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function send(path, options = {}, token = kept.token) {
  // Not `Authorization`: the API server's proxy keeps that to itself.
  const headers = { "Linnet-Authorization": `Bearer ${token}` };
  let answer;
  try {
    answer = await fetch(new URL(path, BASE), {
      headers, credentials: "same-origin", cache: "no-store", redirect: "error", ...options,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The operator can’t be reached.");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, problem.detail ?? `The operator answered ${answer.status}.`);
}

const json = async (answer) => (await answer).json();
const place = (one, kind = "releases") =>
  `${kind}/${encodeURIComponent(one.namespace)}/${encodeURIComponent(one.name)}`;

/** All releases of a namespace, or of all with "". token: another one than that which is kept. */
export function releases(where = kept.namespace, token = kept.token) {
  const query = where ? `?namespace=${encodeURIComponent(where)}` : "";
  return json(send(`releases${query}`, {}, token));
}

/** A release by one of the paths to see it: "", "/samples", "/health", "/rights". */
export const see = (one, path = "") => json(send(place(one) + path));

/** The report of a release's experiment, as a page. */
export async function report(one) {
  return (await send(`${place(one, "experiments")}/report?format=html`)).blob();
}

/** Have something done with a release. */
export const act = (path, body) =>
  json(send(path, { method: "POST", body: JSON.stringify(body) }));

/** Call `changed` now and at each change of a release, until the stream ends or `stop` is aborted. */
export async function live(one, stop, changed) {
  let silent = setTimeout(() => stop.abort(), SILENT_MS);
  try {
    const answer = await send(`${place(one)}/live`, { signal: stop.signal });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(silent);
      silent = setTimeout(() => stop.abort(), SILENT_MS);
      const blocks = (text + value).split("\n\n");
      text = blocks.pop();
      if (blocks.some((each) => each.startsWith("event: release\n"))) changed();
    }
  } finally {
    clearTimeout(silent);
  }
}
