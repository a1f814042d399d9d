// In which order three models meet the notes of two bars, and what they have seen when they write one.

import { choice, element, slider } from "./ui.js";

const BEATS = 8;
const MELODY = [64, 65, 67, 65, 64, 62, 60, 62].map((pitch, i) => ({ time: i, length: 1, pitch, part: "flute" }));
const BASS = [48, 43, 45, 43].map((pitch, i) => ({ time: 2 * i, length: 2, pitch, part: "bass" }));

/** Controls merged into events: each stands before the first event whose predecessor's time is its own less delta or later. */
export function interleave(events, controls, delta) {
  const previous = [0, ...events.slice(0, -1).map((event) => event.time)];
  const out = [];
  let next = 0;
  events.forEach((event, i) => {
    for (; next < controls.length && previous[i] + delta >= controls[next].time; next += 1) out.push(controls[next]);
    out.push(event);
  });
  return [...out, ...controls.slice(next)];
}

/** The sequence of a model, and which of its notes it writes. */
export function sequence(model, delta) {
  const inTime = [...MELODY, ...BASS].sort((a, b) => a.time - b.time || a.pitch - b.pitch);
  if (model === 0) return { order: inTime, written: inTime };
  if (model === 1) return { order: interleave(MELODY, BASS, delta), written: MELODY };
  const region = MELODY.filter((note) => note.time >= BEATS / 2);
  return { order: [...inTime.filter((note) => !region.includes(note)), ...region], written: region };
}

/** Fill an element with the roll and the sequence. */
export function mount(place) {
  let model = 1, delta = 2, at = 5;
  const width = 640, height = 190, low = 42, high = 69, column = width / BEATS, row = height / (high - low);
  const roll = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "live-roll", role: "img",
    "aria-label": "Two bars of flute and bass: what is seen, what is written next, what is not known yet" });
  const strip = element("div", { class: "live-strip" });
  const said = element("p", { class: "live-note", "aria-live": "polite" });
  const step = slider("note to write", { min: 1, max: 12, step: 1, value: at + 1 }, (v) => { at = v - 1; draw(); });
  const ahead = slider("δ in beats", { min: 0, max: 8, step: 1, value: delta }, (v) => { delta = v; draw(); });

  function draw() {
    const { order, written } = sequence(model, delta);
    at = Math.min(at, written.length - 1);
    step.querySelector("input").max = written.length;
    step.set(at + 1);
    ahead.style.display = model === 1 ? "" : "none";
    const now = written[at], index = order.indexOf(now);
    const state = (note) => (note === now ? "live-next" : order.indexOf(note) < index ? "live-known" : "live-later");
    const kind = (note) => (written.includes(note) ? "live-written" : "live-given");
    roll.replaceChildren(...[...Array(BEATS + 1)].map((_, beat) => element("line", {
      x1: beat * column, x2: beat * column, y1: 0, y2: height, class: beat % 4 ? "live-beat" : "live-bar",
    })), ...order.map((note) => element("rect", {
      x: note.time * column + 2, y: (high - 1 - note.pitch) * row - row / 2, width: note.length * column - 4, height: 2 * row,
      rx: 2, class: `${kind(note)} ${state(note)}`,
    })), ...order.map((note, i) => element("text", {
      x: note.time * column + 8, y: (high - 1 - note.pitch) * row + 0.85 * row, class: "live-number",
    }, String(i + 1))));
    strip.replaceChildren(...order.map((note, i) => element("span", {
      class: `live-token ${kind(note)} ${state(note)}`,
    }, `${i + 1} ${note.part} ${note.time + 1}`)));
    const seen = order.slice(0, index), bass = seen.filter((note) => note.part === "bass");
    const reach = Math.max(0, ...bass.map((note) => note.time + note.length));
    const after = seen.filter((note) => note.time > now.time);
    said.textContent = `About to write the ${now.part}'s note on beat ${now.time + 1}. Seen: ${seen.length} notes, `
      + `${after.length} of them later than it; the bass is known ${reach > now.time ? `up to the end of beat ${reach}` : "up to here"}.`;
  }

  place.replaceChildren(
    choice("Model", ["left to right", "anticipation", "everything given first"], model, (index) => { model = index; at = 5; draw(); }),
    roll, step, ahead, said, strip,
  );
  draw();
}
