// How traffic is split, and the steps that it goes through.

import { el, svg } from "./dom.js";

/** A bar: stable's share, then the canary's. The same is said in words beside it. */
export function split(weight, kind = "") {
  const parts = [];
  if (weight < 100) parts.push(svg("rect", { class: "stable", width: 100 - weight, height: 10 }));
  if (weight > 0) {
    parts.push(svg("rect", { class: "canary", x: 100 - weight, width: weight, height: 10 }));
  }
  return svg("svg", {
    class: `split ${kind}`, viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true",
  }, ...parts);
}

/** Both versions with their shares, and the steps. */
export function traffic({ status, spec }) {
  const { wanted = 0, seen } = status.weight ?? {};
  const weight = seen ?? wanted;
  const moving = seen !== wanted ? ` (${wanted}\u00a0% is asked for)` : "";
  const canary = weight > 0 || wanted > 0;
  return [
    split(weight),
    el("dl", { class: "versions" },
      el("div", { class: "stable" },
        el("dt", {}, `Stable ${status.stableRevision ?? ""}`), el("dd", {}, `${100 - weight}\u00a0%`)),
      el("div", { class: "canary" },
        el("dt", {}, `Canary ${canary ? status.canaryRevision ?? "" : ""}`),
        el("dd", {}, `${weight}\u00a0%${canary ? moving : ""}`))),
    el("ol", { class: "steps", "aria-label": "Steps" }, ...spec.steps.map((step) => {
      const at = status.phase === "Progressing" && step.weight === wanted;
      const people = step.approvals ? `, ${step.approvals.required} to approve` : "";
      return el("li", { "aria-current": at ? "step" : null }, `${step.weight}\u00a0%${people}`);
    })),
  ];
}
