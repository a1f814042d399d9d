// Temperature, top-k, top-p and min-p on logits of the bundled chorale model.

import { choice, element, fetched, slider } from "./ui.js";

/** Probabilities after temperature and filters; each filter looks at the probabilities after the temperature. */
export function probabilities(logits, { temperature = 1, topK = 0, topP = 1, minP = 0 }) {
  const scaled = logits.map((one) => one / temperature);
  const most = Math.max(...scaled);
  const weights = scaled.map((one) => Math.exp(one - most));
  const p = normed(weights);
  const order = p.map((_, i) => i).sort((a, b) => p[b] - p[a]);
  const kept = new Set();
  let before = 0;
  for (const i of order) {
    if (before >= topP || (topK > 0 && kept.size >= topK)) break;
    kept.add(i);
    before += p[i];
  }
  const least = minP * Math.max(...p);
  return normed(p.map((one, i) => (kept.has(i) && one >= least ? one : 0)));
}

function normed(weights) {
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((one) => one / sum);
}

/** Fill an element with sliders and bars. */
export async function mount(place) {
  const { moments } = await fetched("logits.json");
  const settings = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  let moment = moments[1], drawn = null;
  const bars = element("div", { class: "live-bars", role: "img", "aria-label": "Probability of each pitch" });
  const said = element("p", { class: "live-note", "aria-live": "polite" });

  function draw() {
    const p = probabilities(moment.logits, settings);
    const most = Math.max(...p);
    bars.replaceChildren(...moment.names.map((name, i) => element("div", {
      class: `live-bar-of${name === moment.true ? " live-true" : ""}${i === drawn ? " live-lit" : ""}`,
    }, element("span", { class: "live-percent" }, p[i] === 0 ? "" : p[i] >= 0.1 ? (100 * p[i]).toFixed(0) : (100 * p[i]).toFixed(1)),
    element("i", { style: `height: ${100 * p[i] / most}px` }), element("b", {}, name))));
    const entropy = -p.reduce((sum, one) => sum + (one > 0 ? one * Math.log(one) : 0), 0);
    const left = p.filter((one) => one > 0).length;
    said.textContent = `${left} of ${p.length} pitches are possible; as uncertain as ${Math.exp(entropy).toFixed(1)} equal ones. `
      + `Bach wrote ${moment.true}.` + (drawn === null ? "" : ` Drawn: ${moment.names[drawn]}.`);
  }

  function draws() {
    const p = probabilities(moment.logits, settings);
    let rest = Math.random();
    drawn = p.findIndex((one) => (rest -= one) < 0);
    draw();
  }

  const set = (name) => (value) => { settings[name] = value; drawn = null; draw(); };
  place.replaceChildren(
    choice("Moment", moments.map((one) => one.title), 1, (index) => { moment = moments[index]; drawn = null; draw(); }),
    bars, said,
    slider("temperature", { min: 0.1, max: 2.5, step: 0.05, value: 1, shown: (v) => v.toFixed(2) }, set("temperature")),
    slider("top-k", { min: 0, max: 16, step: 1, value: 0, shown: (v) => (v ? String(v) : "off") }, set("topK")),
    slider("top-p", { min: 0.05, max: 1, step: 0.01, value: 1, shown: (v) => (v < 1 ? v.toFixed(2) : "off") }, set("topP")),
    slider("min-p", { min: 0, max: 0.5, step: 0.01, value: 0, shown: (v) => (v ? v.toFixed(2) : "off") }, set("minP")),
    element("div", { class: "live-choice" }, element("button", { type: "button", onclick: draws }, "Draw a pitch")),
  );
  draw();
}
