// What was measured, against the limit to go on and the limit to roll back.

import { el, svg } from "./dom.js";

const VERDICTS = {
  Pass: ["✓", "goes on"], Hold: ["‖", "holds"], Breach: ["✕", "rolls back"],
  NoData: ["?", "no data"], Error: ["!", "query failed"], Skipped: ["–", "skipped"],
};

const number = (value) =>
  value.toLocaleString("en", { maximumSignificantDigits: 4, useGrouping: false });

export function check(one) {
  const [sign, words] = VERDICTS[one.verdict] ?? ["?", one.verdict];
  const unit = one.unit ? `\u00a0${one.unit}` : "";
  const value = one.value === undefined ? "–" : number(one.value) + unit;
  return el("li", { class: `check ${one.verdict}` },
    el("h4", {}, one.name),
    el("p", { class: "verdict" }, el("span", { "aria-hidden": "true" }, `${sign} `), words),
    el("p", { class: "value" }, value),
    gauge(one),
    el("p", { class: "limits" }, ...limits(one, unit)),
    counts(one));
}

function limits(one, unit) {
  const found = [];
  if (one.goesOnAtMost !== undefined) found.push(`goes on ≤ ${number(one.goesOnAtMost)}${unit}`);
  if (one.goesOnAtLeast !== undefined) found.push(`goes on ≥ ${number(one.goesOnAtLeast)}${unit}`);
  if (one.rollsBackAbove !== undefined) found.push(`rolls back > ${number(one.rollsBackAbove)}${unit}`);
  if (one.rollsBackBelow !== undefined) found.push(`rolls back < ${number(one.rollsBackBelow)}${unit}`);
  return found.flatMap((words, at) => [at ? " · " : null, el("span", {}, words)]);
}

function counts(one) {
  if (one.breaches) return el("p", { class: "hint" }, `${one.breaches} times in a row beyond`);
  if (one.message && !["Pass", "Hold", "Breach"].includes(one.verdict)) {
    return el("p", { class: "hint" }, one.message);
  }
  return null;
}

/** Both limits on a scale, and the value. In words it is said beside it. */
function gauge(one) {
  const [from, to, bands] = one.rollsBackBelow === undefined ? upward(one) : downward(one);
  const x = (value) => Math.max(0, Math.min(100, (100 * (value - from)) / (to - from || 1)));
  const parts = bands.map(([kind, start, end]) =>
    svg("rect", { class: kind, x: x(start), y: 5, width: Math.max(0, x(end) - x(start)), height: 6 }));
  if (one.value !== undefined) {
    const at = x(one.value);
    parts.push(svg("rect", { class: "mark", x: Math.min(98.5, Math.max(0, at - 0.75)), width: 1.5, height: 16 }));
  }
  return svg("svg", {
    class: "gauge", viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true",
  }, ...parts);
}

function upward(one) {
  const above = one.rollsBackAbove ?? one.goesOnAtMost ?? 1;
  const good = one.goesOnAtMost ?? above;
  const to = Math.max(1.4 * above, 1.05 * (one.value ?? 0)) || 1;
  return [0, to, [["good", 0, good], ["between", good, above], ["bad", above, to]]];
}

function downward(one) {
  const below = one.rollsBackBelow;
  const good = one.goesOnAtLeast ?? below;
  const room = Math.max(good - below, Math.abs(good) / 100) || 1;
  const from = Math.min(below - room, one.value ?? below);
  const to = Math.max(good + room, one.value ?? good);
  return [from, to, [["bad", from, below], ["between", below, good], ["good", good, to]]];
}
