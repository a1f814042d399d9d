/** The five controls that matter first, in plain words: style, tempo and groove, instruments, structure, mix. */

import { el, fill } from './dom.js';
import { noteColour } from './theme.js';

// Time of the first of two eighths.
const SWINGS = [['a little', 0.56], ['half', 0.6], ['triplets', 2 / 3]];

export class Basics {
  constructor(workspace) {
    this.w = workspace;
    this.node = el('div', { class: 'pane basics' });
    this.swing = 2 / 3;
  }

  update() {
    const { w } = this;
    if (!w.piece || !w.lanes || this.node.contains(document.activeElement)) return;
    fill(this.node, this.style(), this.tempo(), this.instruments(), this.structure(), this.mix());
  }

  card(name, ...children) { return el('section', { class: 'basic', dataset: { basic: name.toLowerCase() } }, el('h3', {}, name), children); }

  /** Model, and the bars whose style is followed. */
  style() {
    const { ask, models, piece } = this.w, { timeline } = piece;
    const model = models.find((one) => one.name === ask.model) ?? models[0];
    const picker = el('select', { title: 'Which model writes', onchange: () => { ask.choose(picker.value); this.redraw(); } },
      models.map((one) => el('option', { value: one.name, selected: one.name === model.name }, one.name)));
    const like = ask.like && el('span', {}, `bars ${timeline.barIndex(ask.like[0]) + 1} to ${timeline.barIndex(ask.like[1] - 1) + 1}`);
    const { selection } = this.w;
    return this.card('Style',
      el('label', {}, el('span', {}, 'Model'), picker),
      el('p', { class: 'soft' }, model.words),
      el('p', {}, 'New notes follow ', like ?? 'the whole piece', '.'),
      el('div', { class: 'row' },
        el('button', { disabled: !selection, title: 'What is written then follows these bars', onclick: () => { ask.like = [selection.first, selection.last]; this.redraw(); } }, 'Follow the selected bars'),
        like ? el('button', { onclick: () => { ask.like = null; this.redraw(); } }, 'Whole piece') : null));
  }

  tempo() {
    const { transport, piece } = this.w;
    const number = el('input', { type: 'number', min: 10, max: 400, value: Math.round(piece.timeline.tempo(0)), onchange: () => { transport.tempo.value = number.value; transport.setTempo(); number.blur(); } });
    const swing = el('select', { title: 'Time of the first of two eighths', onchange: () => { this.swing = Number(swing.value); } },
      SWINGS.map(([name, share]) => el('option', { value: share, selected: share === this.swing }, name)));
    return this.card('Tempo and groove',
      el('label', {}, el('span', {}, 'Quarters a minute'), number),
      el('div', { class: 'row' }, el('button', { title: 'Delay every second eighth of the selection, or of the piece', onclick: () => this.each({ do: 'swing', share: this.swing }, 'swing') }, 'Swing'), swing),
      el('div', { class: 'row' },
        el('button', { title: 'Halfway to the grid', onclick: () => this.each({ do: 'quantise', grid: 0.25, strength: 0.5 }, 'tighten') }, 'Tighten'),
        el('button', { title: 'Onsets and velocities a little off', onclick: () => this.each({ do: 'humanise', seed: Math.floor(Math.random() * 1e6) }, 'loosen') }, 'Loosen')),
      el('p', { class: 'soft' }, this.w.selection ? 'For the selection.' : 'For the whole piece.'));
  }

  instruments() {
    const { headers, piece } = this.w;
    return this.card('Instruments',
      el('div', { class: 'basic-rows' }, piece.tracks.map((track) => el('label', {}, this.name(track), headers.instrument(track)))),
      el('div', { class: 'row' }, el('button', { title: 'Let the model write one more part', onclick: () => { this.w.ask.verb = 'add-track'; this.w.ask.update(); } }, 'Add a part')));
  }

  /** Sections between markers; selected, repeated, deleted. */
  structure() {
    const { w } = this, { timeline, facts, end, tracks } = w.piece;
    const marks = facts.markers.filter(([tick]) => tick < end);
    const sections = marks.map(([tick, text], i) => ({ first: tick, last: marks[i + 1]?.[0] ?? end, text }));
    const chips = sections.filter(({ first, last }) => last > first).slice(0, 24).map(({ first, last, text }) => el('button', {
      class: 'chip', title: 'Select it', onclick: () => w.select({ first, last, tracks: tracks.map((_, i) => i) }),
    }, `${text} · ${timeline.barIndex(first) + 1}–${timeline.barIndex(last - 1) + 1}`));
    const write = (verb) => () => { w.ask.verb = verb; w.ask.run(); };
    return this.card('Structure',
      chips.length ? el('div', { class: 'chips' }, chips) : el('p', { class: 'soft' }, `${timeline.bars.length - 1} bars; the file names no sections.`),
      el('div', { class: 'row' },
        el('button', { disabled: !w.selection, title: 'Repeat the selected bars of all tracks', onclick: () => w.tools.bars('copy-bars') }, 'Repeat'),
        el('button', { disabled: !w.selection, title: 'Delete the selected bars of all tracks', onclick: () => w.tools.bars('delete-bars') }, 'Delete')),
      el('div', { class: 'row' },
        el('button', { title: 'The model writes bars before the beginning', onclick: write('intro') }, 'Intro'),
        el('button', { title: 'The model writes bars after the end', onclick: write('continue') }, 'Continue')));
  }

  mix() {
    const { headers, piece } = this.w;
    return this.card('Mix', el('div', { class: 'basic-rows' }, piece.tracks.map((track) => {
      const n = track.number;
      const slider = el('input', { type: 'range', min: 0, max: 1.5, step: 0.05, value: headers.factors.get(n) ?? 1, title: `Volume of ${track.title} while listening`,
        onchange: () => { headers.setVolume(n, Number(slider.value)); slider.blur(); } });
      return el('label', {}, this.name(track), slider);
    })));
  }

  name(track) { return el('span', { class: 'named' }, el('i', { style: `background:${noteColour(track.number)}` }), track.title); }

  /** Do it to the notes of the selection, or of the piece. */
  each(change, label) {
    const { piece, selection } = this.w;
    const rows = selection ? piece.beginning(selection.tracks, selection.first, selection.last) : [...Array(piece.count).keys()];
    if (rows.length) this.w.change([{ ...change, rows }], label);
  }

  /** After a choice of its own, which the focus would hold back. */
  redraw() {
    document.activeElement?.blur?.();
    this.update();
  }
}
