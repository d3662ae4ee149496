// Elements made of text, never of markup; and parts of the page that change only where they differ.

const SVG = "http://www.w3.org/2000/svg";
const shown = new WeakMap();

export const byId = (id) => document.getElementById(id);

/** An element with attributes and children. Of attributes, null and false are left out. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Put into `node` what `build` makes of `data`, unless that is there already. */
export function show(node, data, build) {
  const text = JSON.stringify(data);
  if (shown.get(node) === text) return;
  shown.set(node, text);
  node.replaceChildren(...[build(data)].flat());
}

/** Whether a part is to be seen. Focus isn't lost with what goes. */
export function reveal(node, wanted, instead = null) {
  const held = !wanted && node.contains(document.activeElement);
  node.hidden = !wanted;
  if (held) instead?.focus();
}
