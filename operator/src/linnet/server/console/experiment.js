// The experiment of a release: its result, who takes part, and what each metric says.

import { el, svg } from "./dom.js";

const STATES = [ // the gravest first, as in a report
  ["BeyondLimit", "beyond its limit"], ["Worse", "worse"], ["Better", "better"],
  ["MinimumEffect", "as large as asked for"], ["Futile", "hardly as large as asked for"],
  ["WithinLimit", "within its limit"],
];
const SIGNS = { BeyondLimit: "✕", Worse: "✕", Better: "✓" };

const count = (value) => (value ?? 0).toLocaleString("en");
const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 3 });
const signed = (value) => (value > 0 ? "+" : "") + number(value);

/** The experiment that the steps ask for; undefined where none do. */
export const asked = ({ spec }) => spec.steps.find((step) => step.experiment)?.experiment;

/** Whether an experiment waits for nothing but its end, or for a person. */
export function undecided({ status }) {
  const one = status.experiment;
  return status.phase === "Progressing" && one?.revision === status.canaryRevision
    && ["Running", "Conditional", "Stopped"].includes(one.result);
}

/** What is shown of it. */
export function experiment(one, metrics) {
  const known = new Map(metrics.map((each) => [each.name, each]));
  return [
    el("p", { class: "phase" }, el("strong", {}, one.result), ` ${one.message ?? ""}`),
    one.problem ? el("p", { class: "problem" }, one.problem) : null,
    el("dl", { class: "facts" },
      ...fact("Label", one.id),
      ...fact("Users of stable", count(one.users?.control)),
      ...fact(`Users of the canary, ${one.weight}\u00a0% planned`, count(one.users?.treatment)),
      ...(one.decided ? fact("Decided", `${one.decided.result}, by ${one.decided.by || "somebody"}`
        + (one.decided.reason ? `: ${one.decided.reason}` : "")) : [])),
    el("ul", { class: "checks", "aria-label": "Metrics" },
      ...(one.metrics ?? []).map((each) => finding(each, known.get(each.name) ?? {}))),
  ].filter(Boolean);
}

const fact = (term, text) => [el("dt", {}, term), el("dd", {}, text)];

function finding(one, metric) {
  const said = STATES.filter(([state]) => one.states?.includes(state));
  const words = said.map(([, text]) => text).join(", ") || (one.effect === undefined ? "no data" : "nothing shown");
  const sign = SIGNS[said[0]?.[0]];
  const grave = ["BeyondLimit", "Worse"].includes(said[0]?.[0]);
  const unit = effectUnit(metric);
  return el("li", { class: grave ? "check Breach" : "check" },
    el("h4", {}, one.name),
    el("p", { class: "verdict" }, sign ? el("span", { "aria-hidden": "true" }, `${sign} `) : null, words),
    el("p", { class: "value" }, one.effect === undefined ? "–" : signed(one.effect) + unit),
    interval(one, metric),
    el("p", { class: "limits" }, ...limits(one, metric, unit)));
}

function limits(one, metric, unit) {
  const found = [];
  if (one.low !== undefined && one.high !== undefined) {
    found.push(`${signed(one.low)} to ${signed(one.high)}${unit}`);
  }
  if (one.control !== undefined && one.treatment !== undefined) {
    const of = isShare(metric) ? "\u00a0%" : metric.unit ? `\u00a0${metric.unit}` : "";
    found.push(`${number(one.control)} → ${number(one.treatment)}${of}`);
  }
  return found.flatMap((words, at) => [at ? " · " : null, el("span", {}, words)]);
}

const isShare = (metric) => metric.kind === "Proportion" || metric.unit === "%";

function effectUnit(metric) {
  if (metric.effect === "Relative") return "\u00a0%";
  return isShare(metric) ? "\u00a0pp" : metric.unit ? `\u00a0${metric.unit}` : "";
}

/** The interval about no effect in the middle, and the effect. In words it is said below. */
function interval(one, metric) {
  const ends = [one.low, one.high, one.effect].filter((each) => each !== undefined);
  const far = 1.1 * Math.max(...ends.map(Math.abs), metric.minimumEffect ?? 0) || 1;
  const x = (value) => 50 + (50 * value) / far;
  const parts = [svg("rect", { class: "zero", x: 49.75, width: 0.5, height: 16 })];
  if (one.low !== undefined && one.high !== undefined) {
    const width = Math.max(0.5, x(one.high) - x(one.low));
    parts.push(svg("rect", { class: "range", x: x(one.low), y: 5, width, height: 6 }));
  }
  if (one.effect !== undefined) {
    parts.push(svg("rect", { class: "mark", x: x(one.effect) - 0.75, width: 1.5, height: 16 }));
  }
  return svg("svg", {
    class: "gauge", viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true",
  }, ...parts);
}
