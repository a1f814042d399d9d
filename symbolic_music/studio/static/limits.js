/** What new notes must obey, in a musician's words; each is set to what the selected tracks do elsewhere. */

import { el } from './dom.js';
import { GRIDS } from './grids.js';
import { pitchName } from './piece.js';

const KEYS = ['C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B'];
const MODES = ['major', 'minor', 'harmonic minor', 'dorian', 'mixolydian', 'major pentatonic', 'minor pentatonic', 'blues'];

/** @param {import('./edit_panel.js').AskPanel} ask */
export function limitsPanel(ask) {
  const state = { tracks: '', range: [0, 127], density: [1, 8], polyphony: 1 };
  const on = {};
  const box = (name, label, tip) => {
    on[name] = el('input', { type: 'checkbox', onchange: () => showRange() });
    return el('label', { class: 'check', title: tip }, on[name], el('span', {}, label));
  };
  const low = el('input', { type: 'range', title: 'Lowest new pitch', min: 0, max: 127, oninput: () => setRange([Number(low.value), Math.max(Number(low.value), state.range[1])]) });
  const high = el('input', { type: 'range', title: 'Highest new pitch', min: 0, max: 127, oninput: () => setRange([Math.min(Number(high.value), state.range[0]), Number(high.value)]) });
  const rangeSaid = el('output', { class: 'number soft' });
  const scale = el('select', { title: 'Scale of new pitches', onchange: () => { on.scale.checked = true; } }, MODES.flatMap((mode) => KEYS.map((key) => el('option', { value: `${key} ${mode}` }, `${key} ${mode}`))));
  const grid = el('select', { title: 'Grid of new notes', onchange: () => { on.grid.checked = true; } },
    GRIDS.map(([name, quarters]) => el('option', { value: quarters, selected: quarters === 0.25 }, name)));
  const density = el('input', { type: 'range', title: 'Notes in a bar', min: 1, max: 32, step: 1, oninput: () => { state.density = around(Number(density.value)); said(); on.density.checked = true; } });
  const densitySaid = el('output', { class: 'number soft' });
  const polyphony = el('input', { type: 'range', title: 'Notes at once', min: 1, max: 8, step: 1, oninput: () => { state.polyphony = Number(polyphony.value); said(); on.polyphony.checked = true; } });
  const polyphonySaid = el('output', { class: 'number soft' });

  const node = el('details', { class: 'limits', open: true }, el('summary', {}, 'Limits'),
    el('div', { class: 'limit' }, box('range', 'Range', 'Lowest and highest new pitch; drag over the keyboard of the notes to set it'), rangeSaid, low, high),
    el('div', { class: 'limit' }, box('scale', 'Scale', 'New pitches are of this scale'), scale),
    el('div', { class: 'limit' }, box('chords', 'Chords of the lane', 'New pitches are of the chord that stands in the chord lane')),
    el('div', { class: 'limit' }, box('polyphony', 'Notes at once', 'At most this many new notes sound together'), polyphonySaid, polyphony),
    el('div', { class: 'limit' }, box('density', 'Notes in a bar', 'About this many new notes begin in each bar'), densitySaid, density),
    el('div', { class: 'limit' }, box('rhythm', 'Keep the rhythm', 'Rewrite and Harmonise give the notes that are there other pitches: onsets, durations and velocities stay')),
    el('div', { class: 'limit' }, box('grid', 'Grid', 'New notes begin on its lines, counted from each bar line'), grid),
    el('div', { class: 'limit' }, box('repeats', 'No repeated notes', 'No instrument plays its last pitch again')));

  const around = (mean) => [Math.max(0, Math.floor(mean * 0.6)), Math.max(1, Math.ceil(mean * 1.5))];

  function said() {
    rangeSaid.textContent = `${pitchName(state.range[0])} – ${pitchName(state.range[1])}`;
    [low.value, high.value] = state.range;
    densitySaid.textContent = `${state.density[0]} – ${state.density[1]}`;
    polyphonySaid.textContent = String(state.polyphony);
    polyphony.value = state.polyphony;
  }

  function showRange() {
    if (ask.w.notes) { ask.w.notes.limits = on.range.checked ? state.range : null; ask.w.notes.draw(); }
  }

  function setRange(range) {
    state.range = range;
    on.range.checked = true;
    said();
    showRange();
  }

  /** Set to what the selected tracks do in the whole piece, when others are selected. */
  function update(selection, piece) {
    const pitched = (selection?.tracks ?? []).filter((track) => piece.tracks[track] && !piece.tracks[track].is_drum && piece.tracks[track].notes);
    const key = `${pitched.join()}/${piece.count}`;
    if (key === state.tracks) return;
    state.tracks = key;
    if (piece.key && !on.scale.checked) scale.value = piece.key;
    on.range.checked = on.polyphony.checked = pitched.length > 0;
    if (pitched.length) {
      state.range = [Math.max(0, Math.min(...pitched.map((track) => piece.tracks[track].lowest)) - 2), Math.min(127, Math.max(...pitched.map((track) => piece.tracks[track].highest)) + 2)];
      state.polyphony = Math.min(8, pitched.reduce((sum, track) => sum + usualPolyphony(piece, track), 0));
      const rows = pitched.flatMap((track) => piece.rows[track]);
      // Bars in which they rest say nothing of how they play.
      const mean = rows.length / new Set(rows.map((row) => piece.timeline.barIndex(piece.onset[row]))).size;
      density.value = Math.max(1, Math.round(mean));
      state.density = around(mean);
    }
    said();
    showRange();
  }

  /** What the server takes. */
  function asked(verb) {
    const limits = {};
    const rewritesAll = ['add-track', 'sparser'].includes(verb);
    if (on.range.checked && !rewritesAll) [limits.lowest, limits.highest] = state.range;
    if (on.scale.checked) limits.scale = scale.value;
    if (on.chords.checked) limits.chords = ask.w.chords;
    if (on.polyphony.checked && !rewritesAll) limits.polyphony = state.polyphony;
    if (on.density.checked && !['busier', 'revoice'].includes(verb) && !rewritesAll) limits.notes_per_bar = state.density;
    if (on.grid.checked && !['revoice', 'sparser'].includes(verb)) limits.grid = Number(grid.value);
    limits.no_repeats = on.repeats.checked;
    return limits;
  }

  return { node, update, asked, setRange, on };
}

/** How many notes of a track sound at once, but for the busiest twentieth of its notes. */
export function usualPolyphony(piece, track) {
  const rows = piece.rows[track], counts = [];
  let sounding = [];
  for (const row of rows) {
    const onset = piece.onset[row];
    // Legato notes overlap a little: that is no chord.
    sounding = sounding.filter((end) => end > onset + piece.timeline.quarter / 16);
    sounding.push(onset + piece.duration[row]);
    counts.push(sounding.length);
  }
  counts.sort((a, b) => a - b);
  return counts[Math.floor(counts.length * 0.95)] ?? 1;
}
