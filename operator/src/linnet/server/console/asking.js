// The buttons, and the dialogue that asks for a reason.

import { ACTS } from "./acts.js";
import * as client from "./client.js";
import { byId, el, reveal } from "./dom.js";

let asked = null; // what the dialogue is about: the act, the release as it was seen, what follows

/** Offer what this person may do with a release now. done: called with words once it was done. */
export function offer(one, rights, done) {
  const buttons = byId("buttons");
  let some = false;
  for (const act of ACTS) {
    const wanted = rights.verbs.includes(act.verb) && act.when(one, rights.user);
    let button = byId(`act-${act.id}`);
    if (!button) {
      button = el("button", { type: "button", id: `act-${act.id}`, class: act.kind });
      buttons.append(button);
    }
    if (wanted) button.textContent = `${act.label(one)}…`;
    button.onclick = () => ask(act, one, done);
    reveal(button, wanted, byId("name"));
    some ||= wanted;
  }
  byId("acting").hidden = !some;
}

/** Take the question back, e.g. as another release is looked at. */
export function drop() {
  asked = null;
  byId("ask").close();
}

function ask(act, one, done) {
  asked = { act, one, done };
  byId("ask-title").textContent = act.title(one);
  byId("ask-text").textContent = act.text(one);
  byId("reason-hint").textContent = act.why ? "" : "(may be left out)";
  byId("reason").required = act.why;
  byId("reason").value = "";
  byId("ask-refused").textContent = "";
  byId("ask-do").textContent = act.label(one);
  byId("ask-do").className = act.kind ?? "main";
  byId("ask-do").disabled = false;
  byId("ask").showModal();
  byId("reason").focus();
}

async function send(event) {
  event.preventDefault();
  if (!asked) return;
  const question = asked; // another one may have been opened when the answer comes
  const { act, one, done } = question;
  const button = byId("ask-do");
  button.disabled = true;
  byId("ask-refused").textContent = "";
  try {
    const answer = await client.act(act.path ?? `canary/${act.id}`, {
      namespace: one.namespace, name: one.name, reason: byId("reason").value.trim(),
      ...(act.body?.(one) ?? {}),
    });
    if (asked === question) drop();
    done(answer.message ?? (answer.suspend ? "It is paused." : "It goes on."));
  } catch (error) {
    if (asked === question) byId("ask-refused").textContent = error.message;
    if (error.status === 401) done("", error);
  } finally {
    if (asked === question) button.disabled = false;
  }
}

byId("ask-form").addEventListener("submit", send);
byId("ask-not").addEventListener("click", drop);
