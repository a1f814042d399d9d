// A chorale note by note: what the bundled model expected of each pitch, and what it paid for what Bach wrote.

import { element, fetched, slider } from "./ui.js";

const VOICES = ["soprano", "alto", "tenor", "bass"];

/** Nats of a note: of its time, its length and its pitch. */
export const cost = (note) => note.nats[0] + note.nats[1] + note.nats[2];

/** From pale to dark as the cost goes from 0 to 6 nats. */
export const shade = (nats) => `hsl(212 70% ${86 - 11 * Math.min(nats, 6)}%)`;

/** Fill an element with the roll, the slider and the bars. */
export async function mount(place) {
  const { notes } = await fetched("surprise.json");
  let at = 24;
  const end = Math.max(...notes.map((note) => note.onset + note.length));
  const low = Math.min(...notes.map((note) => note.pitch)) - 1, high = Math.max(...notes.map((note) => note.pitch)) + 2;
  const width = 640, height = 230, column = width / end, row = height / (high - low);
  const roll = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "live-roll", role: "img",
    "aria-label": "The chorale; each note is coloured by what the model pays for it" });
  const bars = element("div", { class: "live-bars", role: "img", "aria-label": "Probability of pitches" });
  const said = element("p", { class: "live-note", "aria-live": "polite" });

  function draw() {
    roll.replaceChildren(...notes.map((note, index) => element("rect", {
      x: note.onset * column + 1, y: (high - 1 - note.pitch) * row, width: Math.max(2, note.length * column - 2), height: row,
      rx: 2, "data-note": index, style: `fill: ${shade(cost(note))}; cursor: pointer`,
      class: index === at ? "live-next" : index > at ? "live-later" : "live-known", onclick: () => go(index),
    })));
    const note = notes[at], [time, length, pitch] = note.nats;
    const most = Math.max(...note.expected.map(([, p]) => p));
    bars.replaceChildren(...note.expected.map(([name, p]) => element("div", {
      class: `live-bar-of${name === note.name ? " live-true" : ""}`,
    }, element("span", { class: "live-percent" }, (100 * p).toFixed(p < 0.1 ? 1 : 0)),
    element("i", { style: `height: ${100 * p / most}px` }), element("b", {}, name))));
    const sum = notes.slice(0, at + 1).reduce((all, one) => all + cost(one), 0);
    const listed = note.expected.some(([name]) => name === note.name);
    said.textContent = `Note ${at + 1}: the ${VOICES[note.voice]} has ${note.name.slice(2)}. It costs ${cost(note).toFixed(2)} nats: `
      + `${time.toFixed(2)} for its time, ${length.toFixed(2)} for its length, ${pitch.toFixed(2)} for its pitch `
      + `(probability ${(100 * Math.exp(-pitch)).toFixed(pitch > 3 ? 1 : 0)} %${listed ? "" : ", not among the likeliest"}). `
      + `Mean so far: ${(sum / (at + 1)).toFixed(2)} nats a note.`;
  }

  const step = slider("note", { min: 1, max: notes.length, step: 1, value: at + 1 }, (v) => go(v - 1));
  function go(index) {
    at = index;
    step.set(at + 1);
    draw();
  }

  place.replaceChildren(roll, step,
    element("p", { class: "live-note" }, "The likeliest choices for this note (soprano, alto, tenor, bass), in per cent, given all notes before it:"), bars, said);
  draw();
}
