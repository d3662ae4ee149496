// Sign in, choose a release by the address, keep the list fresh.

import * as client from "./client.js";
import { byId, reveal } from "./dom.js";
import { showList } from "./list.js";
import * as release from "./release.js";

const LIST_MS = 3_000;

let items = [];
let due = 0;

function tell(words) {
  byId("told").textContent = words;
}

function chosen() {
  const [, namespace, name] = location.hash.split("/").map(decodeURIComponent);
  return namespace && name ? { namespace, name } : null;
}

function start() {
  byId("door").hidden = true;
  byId("desk").hidden = false;
  byId("account").hidden = false;
  route();
  refresh();
}

function leave(words = "") {
  client.forget();
  clearTimeout(due);
  release.close();
  items = [];
  showList(items, null);
  byId("desk").hidden = true;
  byId("account").hidden = true;
  byId("user").textContent = "";
  byId("door").hidden = false;
  byId("refused").textContent = words;
  byId("token").focus();
}

const lost = (error) => leave(error.message);

function route() {
  if (!client.signedIn()) return;
  const one = chosen();
  tell("");
  document.body.classList.toggle("one", one !== null);
  document.title = one ? `${one.name} · Linnet` : "Linnet";
  if (one) release.open(one, tell, lost);
  else release.close();
  showList(items, one);
}

async function refresh() {
  clearTimeout(due);
  if (!client.signedIn()) return;
  try {
    if (!document.hidden) {
      ({ items } = await client.releases());
      if (client.signedIn()) showList(items, chosen());
    }
  } catch (error) {
    if (error.status === 401) return lost(error);
    if (error.status === 403) tell(error.message);
  }
  due = setTimeout(refresh, LIST_MS);
}

async function enter(event) {
  event.preventDefault();
  const token = byId("token").value.trim();
  const where = byId("namespace").value.trim();
  byId("refused").textContent = "";
  byId("knock").disabled = true;
  try {
    ({ items } = await client.releases(where, token));
    client.keep(token, where);
    byId("token").value = "";
    tell("");
    start();
    byId("content").focus();
  } catch (error) {
    byId("refused").textContent = error.message;
  } finally {
    byId("knock").disabled = false;
  }
}

byId("open").hidden = isSecureContext;
byId("enter").addEventListener("submit", enter);
byId("leave").addEventListener("click", () => leave());
byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says which release is looked at
  byId("content").focus();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
window.addEventListener("hashchange", () => {
  route();
  if (chosen()) byId("name").focus();
});

if (client.signedIn()) start();
else reveal(byId("door"), true);
