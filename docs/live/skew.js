// The skew of Music Transformer, step by step, on labels: q1 e2 is the product of query 1 with the embedding of distance 2.

import { element } from "./ui.js";

/** The table before and after each step for L positions: rows of labels, "" where nothing stands, "0" padding. */
export function steps(L) {
  const label = (query, distance) => `q${query}·e${distance}`;
  const product = [...Array(L)].map((_, i) => [...Array(L)].map((_, j) => label(i, L - 1 - j)));
  const padded = product.map((row) => ["0", ...row]);
  const flat = padded.flat();
  const reshaped = [...Array(L + 1)].map((_, i) => flat.slice(i * L, (i + 1) * L));
  const sliced = reshaped.slice(1);
  const masked = sliced.map((row, i) => row.map((cell, j) => (j > i ? "–" : cell)));
  return [
    { title: "1. Multiply every query by every distance", text:
      "One matrix product, q · Eᵀ: L × L numbers. Row i has query i; the columns count distances down, from L − 1 to 0.", table: product },
    { title: "2. Pad one column on the left", text: "L × (L + 1).", table: padded },
    { title: "3. Read the same memory with rows one shorter", text:
      "(L + 1) × L. Nothing is copied: each row begins one place later than the row above.", table: reshaped },
    { title: "4. Drop the first row", text: "L × L again. Now row i, column j has the distance i − j.", table: sliced },
    { title: "5. Mask the future", text: "What stands right of the diagonal belongs to no distance, and is never read.", table: masked },
  ];
}

/** Fill an element with the steps and buttons. */
export function mount(place) {
  const shown = steps(5);
  let at = 0;
  const title = element("h4"), text = element("p"), table = element("table", { class: "live-matrix" });
  const back = element("button", { type: "button", onclick: () => go(at - 1) }, "Back");
  const next = element("button", { type: "button", onclick: () => go(at + 1) }, "Next step");

  function go(index) {
    at = Math.max(0, Math.min(shown.length - 1, index));
    const step = shown[at];
    title.textContent = step.title;
    text.textContent = step.text;
    table.replaceChildren(...step.table.map((row) => element("tr", {}, ...row.map((cell) => {
      const distance = cell.startsWith("q") ? Number(cell.split("·e")[1]) : null;
      return element("td", { style: distance === null ? "" : `background: hsl(${210 + 36 * distance} 70% 82%); color: #222` }, cell);
    }))));
    back.disabled = at === 0;
    next.disabled = at === shown.length - 1;
  }

  place.replaceChildren(title, text, element("div", { class: "live-scroll" }, table),
    element("div", { class: "live-choice" }, back, next));
  go(0);
}
