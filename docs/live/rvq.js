// Residual vector quantisation: three seconds through the bundled codec with 1 to 8 codebooks.

import { canvas, element, fetched, slider } from "./ui.js";

/** Fill an element with codes, error and sound. */
export async function mount(place) {
  const { codes, errors, kbps, size } = await fetched("rvq.json");
  let count = 8;
  const said = element("p", { class: "live-note", "aria-live": "polite" });
  const player = element("audio", { controls: "" });
  const picture = canvas(150, (context, width, height) => {
    const frames = codes[0].length, row = height / codes.length, column = width / frames;
    codes.forEach((line, k) => line.forEach((code, t) => {
      context.fillStyle = k < count ? `hsl(${360 * code / size} 65% 55%)` : "rgb(128 128 128 / 15%)";
      context.fillRect(t * column, k * row + 1, Math.ceil(column), row - 2);
    }));
  });
  const curve = canvas(90, (context, width, height) => {
    errors.forEach((error, k) => {
      context.fillStyle = k + 1 === count ? "#d55e00" : "rgb(128 128 128 / 45%)";
      const tall = error / errors[0] * (height - 20);
      context.fillRect((k + 0.15) * width / 8, height - tall, 0.7 * width / 8, tall);
      context.fillStyle = getComputedStyle(place).color;
      context.fillText(`${(100 * error).toFixed(0)} %`, (k + 0.3) * width / 8, height - tall - 4);
    });
  });

  function show(number, redraw = true) {
    count = number;
    said.textContent = `${count} codebook${count > 1 ? "s" : ""}: ${(kbps * count).toFixed(2)} kb/s, ${count} numbers from 0 to `
      + `${size - 1} a frame; ${(100 * errors[count - 1]).toFixed(0)} % of the energy of the encoder's vectors is left over.`;
    player.src = new URL(`data/rvq-${count}.mp3`, import.meta.url).href;
    if (redraw) { picture.redraw(); curve.redraw(); }
  }

  place.replaceChildren(
    slider("codebooks", { min: 1, max: 8, step: 1, value: count }, (v) => show(v)),
    said, element("p", { class: "live-note" }, "The codes of 120 frames, a row for each codebook; a colour for each entry:"), picture,
    element("p", { class: "live-note" }, "What is left after each codebook:"), curve, player,
    element("p", { class: "live-note" }, "The original: "),
    element("audio", { controls: "", src: new URL("data/rvq-original.mp3", import.meta.url).href }),
  );
  show(count, false);
}
