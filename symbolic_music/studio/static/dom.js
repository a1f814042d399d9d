/** Elements without HTML from strings: text is always a text node. */

/**
 * An element with properties and children.
 * @param {string} tag
 * @param {Object<string, any>} [properties] class, title, dataset, on... handlers, attributes
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') node.className = value;
    else if (name === 'dataset') Object.assign(node.dataset, value);
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name in node && name !== 'list') node[name] = value;
    else node.setAttribute(name, value);
  }
  append(node, ...children);
  return node;
}

/** Append nodes and texts; nothing for null and false. */
export function append(node, ...children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replace what is in a node. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, ...children);
}

let notice = null;

/** A line at the bottom of the page for a few seconds, or until it is clicked or another comes. */
export function say(text, isBad = false, stays = false) {
  notice?.remove();
  notice = el('div', { class: isBad ? 'notice bad' : 'notice', role: 'status' }, text);
  document.body.append(notice);
  const mine = notice;
  mine.onclick = () => mine.remove();
  if (!stays) setTimeout(() => mine.remove(), isBad ? 9000 : 4000);
}
