/** Tools over the roll of notes: pencil, grid, and what is done to chosen notes or to the selected bars. */

import { append, el } from './dom.js';
import { icon } from './icons.js';
import { GRIDS } from './grids.js';

export class NoteTools {
  constructor(workspace) {
    this.w = workspace;
    this.title = el('strong', { class: 'title' });
    this.pencil = el('button', { title: 'Draw notes (P)', onclick: () => this.setTool(this.roll.tool === 'pencil' ? 'select' : 'pencil') }, icon('pencil'), ' Pencil');
    this.grid = el('select', { title: 'Grid', onchange: () => { this.roll.grid = Number(this.grid.value); } },
      GRIDS.map(([name, quarters]) => el('option', { value: quarters, selected: quarters === 0.25 }, name)));
    const button = (name, title, work) => el('button', { title, onclick: work }, name);
    this.node = el('div', { class: 'tools' });
    append(this.node, this.title, this.pencil, this.grid, el('span', { class: 'gap' }),
      button('Quantise', 'Draw onsets to the grid (Q)', () => this.quantise()),
      button('Humanise', 'Onsets and velocities a little off', () => this.do({ do: 'humanise', seed: Math.floor(Math.random() * 1e6) }, 'humanise')),
      button('−12', 'An octave lower', () => this.transpose(-12)), button('−1', 'A semitone lower', () => this.transpose(-1)),
      button('+1', 'A semitone higher', () => this.transpose(1)), button('+12', 'An octave higher', () => this.transpose(12)),
      button('Softer', 'Velocities less by 10 %', () => this.do({ do: 'velocity', factor: 0.9 }, 'softer')),
      button('Louder', 'Velocities more by 10 %', () => this.do({ do: 'velocity', factor: 1.1 }, 'louder')),
      button('Delete', 'Delete these notes (Delete)', () => this.do({ do: 'delete' }, 'delete notes')),
      el('span', { class: 'gap' }),
      button('Duplicate bars', 'Repeat the selected bars after themselves (Ctrl D)', () => this.bars('copy-bars')),
      button('Delete bars', 'Delete the selected bars; what follows moves up', () => this.bars('delete-bars')),
      button('Delete track', 'Delete this track with all its notes', () => this.removeTrack()));
  }

  attach(roll) { this.roll = roll; }

  update() {
    const { piece, focus } = this.w;
    if (!piece || !this.roll) return;
    this.title.textContent = piece.tracks[focus]?.title ?? '';
  }

  setTool(tool) {
    this.roll.tool = tool;
    this.pencil.classList.toggle('on', tool === 'pencil');
  }

  /** Chosen notes; else those that begin in the selection; else none. */
  get rows() {
    const { piece, selection } = this.w;
    if (this.roll.chosen.size) return [...this.roll.chosen];
    return selection ? piece.beginning(selection.tracks, selection.first, selection.last) : [];
  }

  do(change, label) {
    if (!this.rows.length) return;
    this.w.change(() => (this.rows.length ? [{ ...change, rows: this.rows }] : null), label);
  }

  transpose(semitones) { this.do({ do: 'transpose', semitones }, `transpose by ${semitones}`); }

  quantise() { this.do({ do: 'quantise', grid: this.roll.grid }, 'quantise'); }

  async removeTrack() {
    const { w } = this, track = w.focus, { length } = w.piece.tracks;
    await w.change([{ do: 'remove-track', track }], `delete ${w.piece.tracks[track].title}`.slice(0, 80));
    if (w.piece.tracks.length === length) return;
    w.headers.removed(track);
    w.headers.changed();
  }

  /** First and last bar of the selection. */
  bars(what) {
    const { selection, piece } = this.w;
    if (!selection) return;
    const first = piece.timeline.barIndex(selection.first) + 1;
    const last = Math.min(piece.timeline.barIndex(selection.last - 1) + 1, piece.timeline.bars.length - 1);
    this.w.change([{ do: what, first, last }], what === 'copy-bars' ? `repeat bars ${first} to ${last}` : `delete bars ${first} to ${last}`);
  }
}
