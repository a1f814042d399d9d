// Noise carried to points in the plane along the mean velocity of straight lines, with the number of steps under control.

import { canvas, choice, element, slider } from "./ui.js";

const COUNT = 200;

/** Numbers from 0 to 1 that are the same at each visit (a linear congruential generator of Knuth's). */
export function numbers(seed) {
  let state = BigInt(seed);
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 32n) / 2 ** 32;
  };
}

/** Points of the normal distribution (Box and Muller). */
export function noise(count, draw) {
  return [...Array(count)].map(() => {
    const radius = Math.sqrt(-2 * Math.log(1 - draw())), angle = 2 * Math.PI * draw();
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

/** The data: a spiral, two rings, an eighth note. */
export const SHAPES = {
  spiral: (draw) => { const a = 9 * Math.sqrt(draw()); return [a * Math.cos(a) / 5, a * Math.sin(a) / 5]; },
  "two rings": (draw) => { const a = 2 * Math.PI * draw(), r = draw() < 0.35 ? 0.7 : 1.7; return [r * Math.cos(a), r * Math.sin(a)]; },
  "a note": (draw) => {
    const where = draw(), u = draw();
    if (where < 0.5) { const a = 2 * Math.PI * draw(), r = Math.sqrt(u); return [-0.3 + 0.62 * r * Math.cos(a), -1.3 + 0.42 * r * Math.sin(a)]; }
    if (where < 0.78) return [0.32, -1.3 + 3 * u];
    return [0.32 + 0.9 * u, 1.7 - 1.1 * u - 0.5 * u * u];
  },
};

/** Mean of (target - noise) over all lines through x at time t < 1: that of a mixture of Gaussians around t times each target. */
export function velocity(x, t, targets) {
  const far = targets.map(([a, b]) => ((x[0] - t * a) ** 2 + (x[1] - t * b) ** 2) / (2 * (1 - t) ** 2));
  const least = Math.min(...far);
  let sum = 0, first = 0, second = 0;
  far.forEach((one, i) => {
    const weight = Math.exp(least - one);
    sum += weight;
    first += weight * targets[i][0];
    second += weight * targets[i][1];
  });
  return [(first / sum - x[0]) / (1 - t), (second / sum - x[1]) / (1 - t)];
}

/** The paths of points in equal steps: steps + 1 points each. */
export function paths(start, targets, steps) {
  return start.map((point) => {
    const path = [point];
    for (let step = 0; step < steps; step += 1) {
      const x = path[step], v = velocity(x, step / steps, targets);
      path.push([x[0] + v[0] / steps, x[1] + v[1] / steps]);
    }
    return path;
  });
}

/** Mean distance of points from the nearest target. */
export const distance = (points, targets) => points.reduce((sum, [x, y]) => sum
  + Math.sqrt(Math.min(...targets.map(([a, b]) => (x - a) ** 2 + (y - b) ** 2))), 0) / points.length;

/** Fill an element with the picture and the sliders. */
export function mount(place) {
  const names = Object.keys(SHAPES);
  let name = names[0], steps = 20, time = 1, seed = 1, targets, start, found, playing = 0;
  const said = element("p", { class: "live-note", "aria-live": "polite" });
  const picture = canvas(300, (context, width, height) => {
    const scale = Math.min(width / 7, height / 5);
    const to = ([x, y]) => [width / 2 + scale * x, height / 2 - scale * y];
    const dot = (point, radius) => { const [x, y] = to(point); context.beginPath(); context.arc(x, y, radius, 0, 7); context.fill(); };
    context.fillStyle = "rgb(128 128 128 / 35%)";
    targets.forEach((point) => dot(point, 1.5));
    const last = Math.round(time * steps);
    context.strokeStyle = "rgb(0 114 178 / 25%)";
    found.filter((_, i) => i % 5 === 0).forEach((path) => {
      context.beginPath();
      path.slice(0, last + 1).forEach((point, i) => (i ? context.lineTo(...to(point)) : context.moveTo(...to(point))));
      context.stroke();
    });
    context.fillStyle = "#d55e00";
    found.forEach((path) => dot(path[last], 2.5));
  });
  const clock = slider("t", { min: 0, max: 1, step: 0.01, value: time, shown: (v) => v.toFixed(2) }, (v) => { playing = 0; show(v); });

  function compute() {
    const draw = numbers(seed);
    targets = [...Array(COUNT)].map(() => SHAPES[name](draw));
    start = noise(COUNT, draw);
    walk();
  }

  function walk() {
    found = paths(start, targets, steps);
    const end = distance(found.map((path) => path[steps]), targets);
    said.textContent = `${steps} ${steps > 1 ? "steps" : "step"}: at the end a sample is ${end.toFixed(3)} from the nearest point `
      + `of the data on average; the noise was ${distance(start, targets).toFixed(2)} away.`;
    picture.redraw();
  }

  function show(t) {
    time = t;
    clock.set(t);
    picture.redraw();
  }

  function play() {
    const run = playing = performance.now();
    const frame = (now) => {
      if (playing !== run) return;
      show(Math.min(1, Math.max(0, (now - run) / 3000)));
      if (time < 1) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  const draw = numbers(seed);
  targets = [...Array(COUNT)].map(() => SHAPES[name](draw));
  start = noise(COUNT, draw);
  found = paths(start, targets, steps);
  place.replaceChildren(
    choice("Data", names, 0, (index) => { name = names[index]; compute(); }),
    picture, said,
    slider("steps", { min: 1, max: 60, step: 1, value: steps }, (v) => { steps = v; walk(); }), clock,
    element("div", { class: "live-choice" }, element("button", { type: "button", onclick: play }, "Play"),
      element("button", { type: "button", onclick: () => { seed += 1; compute(); } }, "Other noise")),
  );
  compute();
}
