// The last decisions, newest first.

import { el } from "./dom.js";

const two = (number) => String(number).padStart(2, "0");

/** A moment as the reader's clock has it. */
function local(at) {
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(two).join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}

export function entry(one) {
  const at = new Date(one.at);
  const step = one.step === undefined ? "" : `, step ${one.step}`;
  return el("li", { class: one.decision },
    el("p", { class: "head" },
      el("strong", {}, one.decision), " ",
      el("span", { class: "rule" }, one.reason)),
    el("p", {}, one.message),
    el("p", { class: "hint" },
      el("time", { datetime: one.at }, local(at)), ` · at ${one.weight}\u00a0%${step}`));
}
