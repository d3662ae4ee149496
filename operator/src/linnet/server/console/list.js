// The releases, each a link.

import { byId, el, show } from "./dom.js";
import { split } from "./traffic.js";

export const address = (one) => `#/${one.namespace}/${one.name}`;

export function showList(items, chosen) {
  const hint = byId("list-hint");
  hint.hidden = items.length > 0;
  hint.textContent = "There are none here. Once a CanaryRelease is applied, it is listed.";
  show(byId("list"), [items, chosen], () => items.map((each) => item(each, chosen)));
}

function item(one, chosen) {
  const here = chosen && one.namespace === chosen.namespace && one.name === chosen.name;
  const paused = one.suspend ? ", paused" : "";
  return el("li", {},
    el("a", { href: address(one), "aria-current": here ? "page" : null },
      el("span", { class: "title" }, one.name),
      el("span", { class: "place" }, one.namespace),
      el("span", { class: "doing" }, `${one.phase}${paused}`),
      el("span", { class: "share" }, `${one.weight}\u00a0%`),
      split(one.weight, "thin")));
}
