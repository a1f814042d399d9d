// A training melody and a copy of it that you disguise: three ways to search, and which still finds it.

import { choice, element, fetched, slider } from "./ui.js";

const GRAM = 12;

/** Of two melodies [[onset, pitch], …], the notes of the second that stand in the first with equal time and pitch. */
export const equalNotes = (theirs, own) => own.map(([onset, pitch]) => theirs.some(
  ([at, other]) => other === pitch && Math.abs(at - onset) < 0.01));

/** Of the second, notes of runs of at least twelve that the first has too, by the steps or the pitches of its notes. */
export function runs(theirs, own, transposed) {
  const found = own.map(() => false);
  let longest = 0;
  for (let first = 0; first + GRAM <= own.length; first += 1) {
    for (let at = 0; at + GRAM <= theirs.length; at += 1) {
      const apart = own[first][1] - theirs[at][1];
      if (!transposed && apart) continue;
      let size = 0;
      while (first + size < own.length && at + size < theirs.length && own[first + size][1] - theirs[at + size][1] === apart) size += 1;
      if (size < GRAM || trill(own.slice(first, first + size))) continue;
      found.fill(true, first, first + size);
      longest = Math.max(longest, size);
    }
  }
  return { found, longest };
}

/** Whether notes only repeat one pitch, or two in turn, as in any piece. */
const trill = (notes) => notes.every(([, pitch], i) => i < 2 || pitch === notes[i - 2][1]);

/** The melody in another key and tempo, with some notes moved by semitones. */
export const disguised = (melody, semitones, tempo, moved) => melody.map(([onset, pitch, length], i) => [
  onset / tempo, pitch + semitones + (moved[i] || 0), length / tempo]);

const WAYS = ["equal notes", "equal pitches", "equal intervals"];

/** Fill an element with two rolls and the sliders. */
export async function mount(place) {
  const { melody } = await fetched("passages.json");
  let semitones = 3, tempo = 1.2, way = 2;
  const moved = { 20: -1 };
  const width = 640, height = 110;
  const end = Math.max(...melody.map(([onset, , length]) => onset + length)) / 0.75;
  const roll = (label) => element("svg", { viewBox: `0 0 ${width} ${height}`, class: "live-roll", role: "img", "aria-label": label });
  const above = roll("The training piece"), below = roll("What was written; press a note to move it");
  const said = element("p", { class: "live-note", "aria-live": "polite" });

  function notes(svg, list, lit, pressed) {
    svg.replaceChildren(...list.map(([onset, pitch, length], i) => element("rect", {
      x: onset / end * width + 0.5, y: (94 - pitch) / 44 * height, width: Math.max(2, length / end * width - 1), height: 6, rx: 1.5,
      class: lit[i] ? "live-written" : "live-given", "data-note": i, ...(pressed ? { onclick: () => pressed(i), style: "cursor: pointer" } : {}),
    })));
  }

  function draw() {
    const own = disguised(melody, semitones, tempo, moved);
    const { found, longest } = way === 0 ? { found: equalNotes(melody, own), longest: null } : runs(melody, own, way === 2);
    notes(above, melody, [], null);
    notes(below, own, found, (i) => { moved[i] = moved[i] ? 0 : 1; draw(); });
    const share = found.filter(Boolean).length / own.length;
    said.textContent = `By ${WAYS[way]}: ${(100 * share).toFixed(0)} % of the notes are found in the training piece`
      + (longest === null ? "." : longest ? `, ${longest} in a row at most.` : ": no twelve in a row.");
  }

  place.replaceChildren(
    element("p", { class: "live-note" }, "The training piece:"), above,
    element("p", { class: "live-note" }, "What was “written”; press a note to move it. Orange notes are found:"), below,
    choice("Search by", WAYS, way, (index) => { way = index; draw(); }), said,
    slider("transpose", { min: -12, max: 12, step: 1, value: semitones }, (v) => { semitones = v; draw(); }),
    slider("tempo", { min: 0.75, max: 1.5, step: 0.05, value: tempo, shown: (v) => `${Math.round(100 * v)} %` }, (v) => { tempo = v; draw(); }),
  );
  draw();
}
