// Four patterns of codes, position by position: what is drawn at once, and what is known then.

import { choice, element, slider } from "./ui.js";

/** Position of frame t (from 0) of codebook k (from 0) among K codebooks and T frames. */
export const PATTERNS = {
  parallel: (k, t) => t,
  delay: (k, t) => t + k,
  flatten: (k, t, K) => t * K + k,
  "coarse-first": (k, t, K, T) => t + (k > 0 ? T : 0),
};

/** Positions of all codes, a row for each codebook. */
export const places = (name, K, T) => [...Array(K)].map((_, k) => [...Array(T)].map((_, t) => PATTERNS[name](k, t, K, T)));

/** How many positions a pattern takes. */
export const length = (name, K, T) => PATTERNS[name](K - 1, T - 1, K, T) + 1;

/** Fill an element with the table and the sliders. */
export function mount(place) {
  const names = Object.keys(PATTERNS), T = 6;
  let name = "delay", K = 4, at = 3;
  const table = element("table", { class: "live-matrix live-codes" });
  const said = element("p", { class: "live-note", "aria-live": "polite" });
  const step = slider("position", { min: 1, max: 9, step: 1, value: at + 1 }, (v) => { at = v - 1; draw(); });

  function draw() {
    const total = length(name, K, T), where = places(name, K, T);
    at = Math.min(at, total - 1);
    step.querySelector("input").max = total;
    step.set(at + 1);
    table.replaceChildren(...where.map((line, k) => {
      const cells = [...Array(total)].map(() => "");
      line.forEach((position, t) => { cells[position] = String(t + 1); });
      return element("tr", {}, ...cells.map((cell, position) => element("td", {
        class: cell === "" ? "live-empty" : position === at ? "live-next" : position < at ? "live-known" : "live-later",
        style: cell === "" ? "" : `background: hsl(${205 + 40 * k} 60% 78%); color: #222`,
      }, cell)));
    }));
    const drawn = where.flatMap((line, k) => line.flatMap((position, t) => (position === at ? [[k, t]] : [])));
    const alone = drawn.every(([k, t]) => where.slice(0, k).every((line) => line[t] < at));
    const minute = (one) => length(one, 8, 4500).toLocaleString("en");
    said.textContent = `${total} positions for ${K * T} codes. At position ${at + 1} the model draws `
      + `${drawn.map(([k, t]) => `frame ${t + 1} of codebook ${k + 1}`).join(", ")}${drawn.length > 1 ? ", at once" : ""}. `
      + (alone ? "Each has the coarser codes of its own frame before it. "
        : "Not every code has the coarser codes of its own frame before it: some are drawn as if independent. ")
      + `A minute of 75 frames a second and 8 codebooks takes ${minute(name)} positions.`;
  }

  place.replaceChildren(
    choice("Pattern", names, names.indexOf(name), (index) => { name = names[index]; draw(); }),
    element("div", { class: "live-scroll" }, table), step,
    slider("codebooks", { min: 1, max: 6, step: 1, value: K }, (v) => { K = v; draw(); }), said,
  );
  draw();
}
