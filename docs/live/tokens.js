// Notes that can be dragged, and their tokens in three encodings, as the library encodes them at 100 quarters a minute.

import { choice, element } from "./ui.js";

const SIXTEENTH = 15; // steps of 10 ms
const STEPS = 32; // sixteenths shown: two bars of 4/4
const LOW = 55, HIGH = 79;

/** Notes sorted as encodings want them: by onset, then by pitch. */
const sorted = (notes) => [...notes].sort((a, b) => a.onset - b.onset || a.pitch - b.pitch);

/** Performance events (388 ids): [token, index of its note or null]. */
export function performance(notes) {
  const events = [];
  sorted(notes).forEach((note) => {
    const index = notes.indexOf(note);
    events.push([note.onset * SIXTEENTH, 1, note.pitch, index], [(note.onset + note.length) * SIXTEENTH, 0, note.pitch, index]);
  });
  events.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  const out = [];
  let now = 0, loudness = false;
  for (const [time, on, pitch, index] of events) {
    for (; time > now; now += Math.min(100, time - now)) out.push([`TimeShift_${Math.min(100, time - now)}`, null]);
    if (on && !loudness) { out.push(["Velocity_20", index]); loudness = true; }
    out.push([`${on ? "NoteOn" : "NoteOff"}_${pitch}`, index]);
  }
  return out;
}

/** Anticipation: three ids a note, with the absolute time in steps of 10 ms. */
export function anticipation(notes) {
  return sorted(notes).flatMap((note) => {
    const index = notes.indexOf(note);
    return [[`Time_${note.onset * SIXTEENTH}`, index], [`Duration_${note.length * SIXTEENTH}`, index],
      [`Note_0.${note.pitch}`, index]];
  });
}

/** REMI, our preset: bars, positions in 24ths of a quarter, pitch, velocity, duration. */
export function remi(notes) {
  const out = [];
  let bar = -1, position = -1;
  for (const note of sorted(notes)) {
    const index = notes.indexOf(note);
    let fresh = false;
    for (; bar < Math.floor(note.onset / 16); fresh = true) {
      bar += 1;
      position = -1;
      out.push(["Bar_None", null], ["TimeSig_4/4", null]);
      if (bar === 0) {
        out.push(["Position_0", null], ["Tempo_100.91", null]);
        position = 0;
      }
    }
    const place = (note.onset % 16) * 6;
    if (place !== position) out.push([`Position_${place}`, index]);
    position = place;
    if (fresh) out.push(["Program_0", null]);
    out.push([`Pitch_${note.pitch}`, index], ["Velocity_79", index],
      [`Duration_${Math.floor(note.length / 4)}.${(note.length % 4) * 6}.24`, index]);
  }
  return out;
}

export const ENCODINGS = { performance, remi, anticipation };

/** Fill an element with the roll and the strip. */
export function mount(place) {
  const notes = [[0, 4, 64], [4, 4, 64], [8, 4, 65], [12, 4, 67], [16, 4, 67], [20, 4, 65], [24, 4, 64], [28, 4, 62]]
    .map(([onset, length, pitch]) => ({ onset, length, pitch }));
  let encoding = "performance", held = null;
  const width = 640, height = 200, column = width / STEPS, row = height / (HIGH - LOW);
  const roll = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "live-roll", role: "application",
    "aria-label": "Piano roll: drag a note, or move it with the arrow keys" });
  const strip = element("div", { class: "live-strip", "aria-live": "polite" });
  const count = element("p", { class: "live-note" });

  function draw() {
    roll.replaceChildren();
    for (let step = 0; step <= STEPS; step += 4) {
      roll.append(element("line", { x1: step * column, x2: step * column, y1: 0, y2: height,
        class: step % 16 ? "live-beat" : "live-bar" }));
    }
    notes.forEach((note, index) => roll.append(element("rect", {
      x: note.onset * column + 1, y: (HIGH - 1 - note.pitch) * row, width: note.length * column - 2, height: row,
      rx: 2, class: held === index ? "live-held" : "live-rect", tabindex: 0, "data-note": index,
      "aria-label": `Pitch ${note.pitch}, sixteenth ${note.onset}`, onkeydown: (event) => key(event, index),
    })));
    const tokens = ENCODINGS[encoding](notes);
    strip.replaceChildren(...tokens.map(([token, index]) => element("span", {
      class: `live-token live-${token.split("_")[0].toLowerCase()}${index !== null && index === held ? " live-lit" : ""}`,
    }, token)));
    count.textContent = `${tokens.length} tokens for ${notes.length} notes`;
  }

  function move(index, onset, pitch) {
    const note = notes[index];
    const free = (one) => one === note || one.pitch !== pitch || one.onset >= onset + note.length || one.onset + one.length <= onset;
    if (onset < 0 || onset + note.length > STEPS || pitch < LOW || pitch >= HIGH || !notes.every(free)) return;
    note.onset = onset;
    note.pitch = pitch;
    draw();
  }

  function key(event, index) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    held = index;
    move(index, notes[index].onset + step[0], notes[index].pitch + step[1]);
    roll.querySelector(`[data-note="${index}"]`).focus();
  }

  function at(event) {
    const box = roll.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * STEPS, HIGH - (event.clientY - box.top) / box.height * (HIGH - LOW)];
  }

  let grip = 0;
  roll.addEventListener("pointerdown", (event) => {
    const index = event.target.dataset?.note;
    if (index === undefined) return;
    event.preventDefault();
    held = Number(index);
    grip = at(event)[0] - notes[held].onset;
    roll.setPointerCapture(event.pointerId);
    draw();
  });
  roll.addEventListener("pointermove", (event) => {
    if (held === null || !roll.hasPointerCapture(event.pointerId)) return;
    const [step, pitch] = at(event);
    move(held, Math.round(step - grip), Math.floor(pitch));
  });
  place.replaceChildren(
    choice("Encoding", Object.keys(ENCODINGS), 0, (index) => { encoding = Object.keys(ENCODINGS)[index]; draw(); }),
    roll, count, strip,
  );
  draw();
}
