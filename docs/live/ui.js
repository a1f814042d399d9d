// Small pieces that the live views share.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; names that begin with "on" are event listeners. */
export function element(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "text", "line", "path", "circle"].includes(name);
  const made = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A labelled slider that shows its value; `changed` gets the number. */
export function slider(label, { min, max, step, value, shown = String }, changed) {
  const output = element("output", {}, shown(value));
  const input = element("input", { type: "range", min, max, step, value, "aria-label": label });
  input.addEventListener("input", () => {
    output.textContent = shown(Number(input.value));
    changed(Number(input.value));
  });
  const made = element("label", { class: "live-slider" }, element("span", {}, label), input, output);
  made.set = (number) => { input.value = number; output.textContent = shown(number); };
  return made;
}

/** A group of buttons of which one is pressed; `chosen` gets its index. */
export function choice(label, names, first, chosen) {
  const buttons = names.map((name, index) => element("button", {
    type: "button", "aria-pressed": String(index === first), onclick: () => press(index),
  }, name));
  function press(index) {
    buttons.forEach((one, at) => one.setAttribute("aria-pressed", String(at === index)));
    chosen(index);
  }
  return element("div", { class: "live-choice", role: "group", "aria-label": label }, ...buttons);
}

/** JSON or bytes beside this module. */
export async function fetched(name, kind = "json") {
  const answer = await fetch(new URL(`data/${name}`, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return kind === "json" ? answer.json() : answer.arrayBuffer();
}

/** A canvas that fills its parent's width at the screen's resolution; `draw` gets context, width and height. */
export function canvas(height, draw) {
  const made = element("canvas", { class: "live-canvas" });
  made.style.height = `${height}px`;
  made.redraw = () => {
    const scale = window.devicePixelRatio || 1;
    const width = made.clientWidth || 600;
    made.width = width * scale;
    made.height = height * scale;
    const context = made.getContext("2d");
    context.scale(scale, scale);
    draw(context, width, height);
  };
  new ResizeObserver(() => made.redraw()).observe(made);
  return made;
}
