/** What a roll draws: rows, grid, notes, ruler, chords, keyboard. Coordinates are those of the canvas, in CSS pixels. */

import { colours, noteColour } from './theme.js';
import { pitchName } from './piece.js';
import { isBlack } from './roll_layouts.js';

const STEPS = 5;

/** Rows and grid of a stretch. `x` gives the place of a tick. */
export function paintGround(g, layout, timeline, x, width, first, last, scale) {
  const c = colours();
  for (const [top, height, kind, isLined] of layout.rows()) {
    g.fillStyle = c[kind];
    g.fillRect(0, top, width, height);
    if (isLined) { g.fillStyle = c['grid-beat']; g.fillRect(0, top + height - 1, width, 1); }
  }
  const firstBar = timeline.barIndex(Math.max(0, first));
  const perBar = (timeline.barTick(firstBar + 1) - timeline.barTick(firstBar)) * scale;
  const every = perBar < 5 ? 16 : perBar < 10 ? 8 : perBar < 20 ? 4 : 1;
  for (let bar = firstBar - (firstBar % every); timeline.barTick(bar) < last && bar < firstBar + 4000; bar += every) {
    const tick = timeline.barTick(bar), next = timeline.barTick(bar + 1), beat = timeline.beat(tick);
    g.fillStyle = c['grid-bar'];
    g.fillRect(Math.round(x(tick)), 0, 1, layout.height);
    if (every > 1) continue;
    const fine = beat * scale > 56 ? beat / 4 : beat * scale > 14 ? beat : 0;
    for (let at = tick + fine; fine && at < next - 1; at += fine) {
      g.fillStyle = Math.abs((at - tick) % beat) < 1 ? c['grid-beat'] : c['grid-fine'];
      g.fillRect(Math.round(x(at)), 0, 1, layout.height);
    }
  }
}

/** Notes of a track in a stretch; `faint` says which rows stand back, `chosen` which stand out. */
export function paintNotes(g, piece, layout, track, x, first, last, scale, { faint, chosen, ghost } = {}) {
  const c = colours();
  const styles = Array.from({ length: STEPS }, (_, i) => noteColour(track, i / (STEPS - 1)));
  let style = '';
  for (const row of piece.sounding(track, first, last)) {
    const [top, height] = layout.note(track, piece.pitch[row]);
    const left = x(piece.onset[row]);
    const isOut = chosen?.has(row);
    const wanted = ghost || faint?.(row) ? c.ghost : isOut ? c.ink : styles[Math.min(STEPS - 1, (piece.velocity[row] * STEPS) >> 7)];
    if (wanted !== style) { g.fillStyle = wanted; style = wanted; }
    bar(g, left, top, Math.max(1.5, piece.duration[row] * scale - 0.7), height);
  }
}

/** A note; rounded where it is large enough to see. */
export function bar(g, left, top, width, height) {
  if (height < 5 || width < 5) { g.fillRect(left, top, width, height); return; }
  g.beginPath();
  g.roundRect(left, top, width, height, Math.min(2.5, height / 3));
  g.fill();
}

/** Bar numbers, meters, tempos and markers along the top. */
export function paintRuler(g, piece, view, width, height) {
  const c = colours(), timeline = piece.timeline;
  g.fillStyle = c.panel;
  g.fillRect(0, 0, width, height);
  g.font = `11px ${c.font}`;
  g.textBaseline = 'middle';
  const first = Math.max(0, view.tick(0)), last = view.tick(width);
  const from = timeline.barIndex(first);
  const perBar = (timeline.barTick(from + 1) - timeline.barTick(from)) * view.scale;
  const every = [1, 2, 4, 8, 16, 32, 64, 128].find((n) => n * perBar >= 38) ?? 256;
  for (let i = from - (from % every); timeline.barTick(i) <= last; i += every) {
    const at = Math.round(view.x(timeline.barTick(i)));
    g.fillStyle = c['grid-bar'];
    g.fillRect(at, height - 7, 1, 7);
    g.fillStyle = i >= timeline.bars.length - 1 ? c.faint : c.soft;
    g.fillText(String(i + 1), at + 4, height / 2 + 1);
  }
  g.font = `10px ${c.font}`;
  let free = -1e9;
  const signs = [
    ...timeline.meters.map(([t, n, d]) => [t, `${n}/${d}`]),
    ...timeline.tempos.map(([t, m]) => [t, `♩=${Math.round(6e7 / m)}`]),
    ...piece.facts.markers.map(([t, text]) => [t, String(text).slice(0, 24)]),
  ].sort((a, b) => a[0] - b[0]);
  for (const [tick, text] of signs) {
    if (tick < first - 1e5 || tick > last) continue;
    const at = Math.max(view.x(tick) + 22, free);
    if (at - view.x(tick) > 140) continue;
    const long = g.measureText(text).width;
    g.fillStyle = c.panel;
    g.fillRect(at - 3, 2, long + 6, height - 4);
    g.fillStyle = c.accent;
    g.fillText(text, at, height / 2 + 1);
    free = at + long + 8;
  }
}

/** Chord names under the ruler. */
export function paintChords(g, chords, timeline, view, top, width, height, isWritten) {
  const c = colours();
  g.fillStyle = c.panel;
  g.fillRect(0, top, width, height);
  g.fillStyle = c.line;
  g.fillRect(0, top + height - 1, width, 1);
  g.font = `${isWritten ? 600 : 400} 11px ${c.font}`;
  g.textBaseline = 'middle';
  let free = -1e9;
  for (const [place, name] of chords) {
    const at = view.x(timeline.tickOf(place));
    if (at > width) break;
    if (at < free || at < -80) continue;
    g.fillStyle = c['grid-bar'];
    g.fillRect(Math.round(at), top + 3, 1, height - 7);
    g.fillStyle = isWritten ? c.accent : c.soft;
    g.fillText(name.replace('#', '♯').replace(/^([A-G])b/, '$1♭'), at + 4, top + height / 2);
    free = at + g.measureText(name).width + 8;
  }
}

/** Keys, or names of drums, at the left of a roll of pitches. */
export function paintKeyboard(g, layout, drums, top, scrollY, width, height, limits) {
  const c = colours();
  g.save();
  g.beginPath();
  g.rect(0, top, width, height);
  g.clip();
  g.fillStyle = c.raised;
  g.fillRect(0, top, width, height);
  g.textBaseline = 'middle';
  g.font = `${layout.isDrum ? 10 : 9.5}px ${c.font}`;
  for (const [i, pitch] of layout.pitches.entries()) {
    const y = top + i * layout.rowHeight - scrollY;
    if (y < top - layout.rowHeight || y > top + height) continue;
    if (layout.isDrum) {
      g.fillStyle = c.soft;
      g.fillText((drums[pitch] ?? `Key ${pitch}`).slice(0, 16), 5, y + layout.rowHeight / 2, width - 8);
      continue;
    }
    const isOut = limits && (pitch < limits[0] || pitch > limits[1]);
    g.fillStyle = isBlack(pitch) ? '#2a2d33' : isOut ? '#b9b5ad' : '#f4f1ea';
    g.fillRect(0, y, isBlack(pitch) ? width * 0.62 : width, layout.rowHeight - (isBlack(pitch) ? 0 : 0.5));
    if (limits && !isOut) { g.fillStyle = c.accent; g.fillRect(width - 4, y, 4, layout.rowHeight); }
    if (pitch % 12 === 0) { g.fillStyle = '#55585f'; g.fillText(pitchName(pitch), width - 27, y + layout.rowHeight / 2); }
  }
  g.restore();
  g.fillStyle = c.line;
  g.fillRect(width - 1, top, 1, height);
}

/** Velocities of a track as stems. */
export function paintVelocities(g, piece, track, view, top, width, height, chosen) {
  const c = colours();
  g.fillStyle = c['roll-alt'];
  g.fillRect(0, top, width, height);
  g.fillStyle = c.line;
  g.fillRect(0, top, width, 1);
  for (const row of piece.sounding(track, view.tick(view.gutter), view.tick(width))) {
    const at = view.x(piece.onset[row]), size = (piece.velocity[row] / 127) * (height - 8);
    if (at < view.gutter) continue;
    g.fillStyle = chosen.has(row) ? c.ink : noteColour(track, piece.velocity[row] / 127);
    g.fillRect(at, top + height - size - 2, 3, size);
    g.fillRect(at - 1, top + height - size - 3, 5, 3);
  }
  for (const [own, first, last] of piece.facts.pedal) {
    if (own !== track) continue;
    g.fillStyle = c.faint;
    g.fillRect(Math.max(view.gutter, view.x(first)), top + 2, Math.max(1, view.x(last) - Math.max(view.gutter, view.x(first))), 3);
  }
}
