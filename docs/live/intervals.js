// Fifty experiments, each with an interval over notes or over pieces: how many contain the truth.

import { canvas, choice, element, fetched, slider } from "./ui.js";

const EXPERIMENTS = 50;

/** A share of notes and the half width of its 95 % interval, from [hits, notes] of each piece. */
export function interval(pieces, overPieces) {
  const hits = pieces.reduce((sum, [k]) => sum + k, 0), notes = pieces.reduce((sum, [, n]) => sum + n, 0);
  const share = hits / notes;
  if (!overPieces) return [share, 1.96 * Math.sqrt(share * (1 - share) / notes)];
  const squares = pieces.reduce((sum, [k, n]) => sum + (k - share * n) ** 2, 0);
  return [share, 1.96 * Math.sqrt(squares * pieces.length / Math.max(1, pieces.length - 1)) / notes];
}

/** Fill an element with the intervals. */
export async function mount(place) {
  const { pieces } = await fetched("intervals.json");
  const [truth] = interval(pieces, true);
  let count = 20, overPieces = false, drawn = [];
  const said = element("p", { class: "live-note", "aria-live": "polite" });
  const holds = ([share, half]) => Math.abs(share - truth) <= half;
  const picture = canvas(260, (context, width, height) => {
    const results = drawn.map((one) => interval(one, overPieces));
    const x = (share) => width * (0.5 + (share - truth) * 3.5);
    const row = (height - 20) / EXPERIMENTS;
    context.strokeStyle = context.fillStyle = getComputedStyle(place).color;
    context.globalAlpha = 0.5;
    context.beginPath();
    context.moveTo(x(truth), 0);
    context.lineTo(x(truth), height - 18);
    context.stroke();
    context.globalAlpha = 1;
    context.textAlign = "center";
    context.fillText(`all chorales: ${(100 * truth).toFixed(1)} %`, x(truth), height - 4);
    context.lineWidth = Math.max(1.5, row / 2);
    results.forEach((result, i) => {
      const [share, half] = result, y = (i + 0.5) * row;
      context.strokeStyle = holds(result) ? "#0072b2" : "#d55e00";
      context.beginPath();
      context.moveTo(x(share - half), y);
      context.lineTo(x(share + half), y);
      context.stroke();
    });
  });

  function show() {
    const right = drawn.filter((one) => holds(interval(one, overPieces))).length;
    said.textContent = `${right} of ${EXPERIMENTS} intervals contain the share of all chorales; 95 % would be 47 or 48.`;
    picture.redraw();
  }

  function draw() {
    drawn = [...Array(EXPERIMENTS)].map(() => [...Array(count)].map(() => pieces[Math.floor(Math.random() * pieces.length)]));
    show();
  }

  drawn = [...Array(EXPERIMENTS)].map(() => pieces.slice(0, count));
  place.replaceChildren(
    choice("Interval over", ["over notes", "over pieces"], 0, (index) => { overPieces = index === 1; show(); }),
    picture, said,
    slider("pieces", { min: 5, max: 60, step: 1, value: count }, (v) => { count = v; draw(); }),
    element("div", { class: "live-choice" }, element("button", { type: "button", onclick: draw }, "Draw again")),
  );
  draw();
}
