// A bank of sixteen harmonics: levels by sliders, the wave and its sound.

import { canvas, choice, element, fetched, slider } from "./ui.js";

/** One period of the wave of harmonics with amplitudes, `size` samples, scaled to 1. */
export function period(amplitudes, size = 512) {
  const wave = [...Array(size)].map((_, i) => amplitudes.reduce(
    (sum, a, k) => sum + a * Math.sin(2 * Math.PI * (k + 1) * i / size), 0));
  const most = Math.max(1e-9, ...wave.map(Math.abs));
  return wave.map((one) => one / most);
}

export const amplitude = (decibel) => (decibel <= -60 ? 0 : 10 ** (decibel / 20));

/** Fill an element with the bank. */
export async function mount(place) {
  const { voices } = await fetched("harmonics.json");
  const names = Object.keys(voices);
  let levels = [...voices[names[0]]], hertz = 220, sound = null;
  const bank = element("div", { class: "live-bank" });
  const wave = canvas(120, (context, width, height) => {
    const one = period(levels.map(amplitude));
    context.strokeStyle = getComputedStyle(place).getPropertyValue("--md-accent-fg-color") || "#d55e00";
    context.lineWidth = 2;
    context.beginPath();
    for (let x = 0; x < width; x += 1) {
      const y = height / 2 - one[Math.floor(3 * x / width * one.length) % one.length] * (height / 2 - 6);
      if (x) context.lineTo(x, y); else context.moveTo(x, y);
    }
    context.stroke();
  });

  function changed() {
    wave.redraw();
    if (!sound) return;
    const size = levels.length + 1;
    const imaginary = new Float32Array(size);
    levels.forEach((level, k) => { imaginary[k + 1] = amplitude(level); });
    sound.oscillator.setPeriodicWave(sound.context.createPeriodicWave(new Float32Array(size), imaginary));
    sound.oscillator.frequency.setTargetAtTime(hertz, sound.context.currentTime, 0.02);
  }

  function build() {
    bank.replaceChildren(...levels.map((level, k) => {
      const input = element("input", { type: "range", min: -60, max: 0, step: 1, value: level,
        "aria-label": `Harmonic ${k + 1} in dB`, class: "live-upright" });
      input.addEventListener("input", () => { levels[k] = Number(input.value); changed(); });
      return element("label", {}, input, element("span", {}, String(k + 1)));
    }));
    changed();
  }

  const button = element("button", { type: "button", onclick: toggle }, "Play");
  async function toggle() {
    if (sound) {
      const ended = sound;
      ended.gain.gain.setTargetAtTime(0, ended.context.currentTime, 0.03);
      setTimeout(() => ended.context.close(), 200);
      sound = null;
    } else {
      const context = new AudioContext();
      const oscillator = context.createOscillator(), gain = context.createGain();
      gain.gain.value = 0;
      oscillator.connect(gain).connect(context.destination);
      oscillator.start();
      sound = { context, oscillator, gain };
      changed();
      gain.gain.setTargetAtTime(0.15, context.currentTime, 0.05);
    }
    button.textContent = sound ? "Stop" : "Play";
  }

  place.replaceChildren(
    choice("Voice", [...names, "sine", "saw"], 0, (index) => {
      levels = index < names.length ? [...voices[names[index]]]
        : [...Array(16)].map((_, k) => (index === names.length ? (k ? -60 : 0) : -20 * Math.log10(k + 1)));
      build();
    }),
    bank, wave,
    slider("fundamental", { min: 55, max: 880, step: 1, value: hertz, shown: (v) => `${v} Hz` }, (v) => { hertz = v; changed(); }),
    element("div", { class: "live-choice" }, button),
  );
  build();
}
