/** The headers of the tracks, beside their lanes: name, instrument, mute, solo, volume. */

import { el, fill } from './dom.js';
import { INSTRUMENTS } from './instruments.js';
import { noteColour, onTheme } from './theme.js';

export class TrackHeaders {
  constructor(workspace) {
    this.w = workspace;
    this.muted = new Set();
    this.soloed = new Set();
    /** Factors of volume by track. @type {Map<number, number>} */
    this.factors = new Map();
    this.rows = el('div', { class: 'header-rows' });
    this.add = el('button', { class: 'plain add', title: 'A new, empty track', onclick: () => workspace.change([{ do: 'new-track', instrument: 0 }], 'new track') }, '+ track');
    this.node = el('aside', { class: 'headers' }, el('div', { class: 'head' }, this.add, el('span', { class: 'grow' }), el('span', { class: 'soft' }, 'chords')), this.rows);
    onTheme(() => this.update());
  }

  /** Tracks that are not heard. */
  silent() {
    return this.w.piece.tracks.map((track) => track.number)
      .filter((number) => this.muted.has(number) || (this.soloed.size && !this.soloed.has(number)));
  }

  volumes() {
    return [...this.factors].filter(([, factor]) => factor !== 1).map(([track, factor]) => `${track}:${factor.toFixed(3)}`).join();
  }

  toggle(set, number) {
    if (set.has(number)) set.delete(number); else set.add(number);
    this.update();
    this.w.transport.restartIfPlaying();
  }

  update() {
    const { piece, focus, selection } = this.w;
    if (!piece || !this.w.lanes) return;
    fill(this.rows, piece.tracks.map((track) => {
      const n = track.number;
      const isMuted = this.muted.has(n), isSoloed = this.soloed.has(n);
      return el('div', { class: `header${n === focus ? ' focus' : ''}${selection?.tracks.includes(n) ? ' selected' : ''}`, dataset: { track: n }, onclick: () => this.w.focusOn(n) },
        el('span', { class: 'swatch', style: `background:${noteColour(n)}` }),
        el('div', { class: 'names' },
          el('span', { class: 'name', title: `${track.title}: double-click to rename`, ondblclick: (event) => this.rename(event, track) }, track.title),
          this.instrument(track)),
        el('div', { class: 'knobs' },
          el('button', { class: isMuted ? 'on' : '', title: 'Mute', onclick: (event) => { event.stopPropagation(); this.toggle(this.muted, n); } }, 'M'),
          el('button', { class: isSoloed ? 'on' : '', title: 'Solo', onclick: (event) => { event.stopPropagation(); this.toggle(this.soloed, n); } }, 'S'),
          el('input', { type: 'range', min: 0, max: 1.5, step: 0.05, value: this.factors.get(n) ?? 1, title: 'Volume while listening; double-click for 1',
            onclick: (event) => event.stopPropagation(), ondblclick: () => { this.factors.delete(n); this.update(); },
            onchange: (event) => { this.factors.set(n, Number(event.target.value)); this.w.transport.restartIfPlaying(); } })));
    }));
    this.place();
  }

  /** An instrument picker that looks like text. */
  instrument(track) {
    const picker = el('select', { class: 'instrument', title: 'Instrument', onclick: (event) => event.stopPropagation(),
      onchange: () => this.w.change([{ do: 'track', track: track.number, instrument: Number(picker.value) }], `instrument of ${track.title}`) },
    INSTRUMENTS.map((name, i) => el('option', { value: i, selected: i === track.instrument }, name)));
    return picker;
  }

  rename(event, track) {
    event.stopPropagation();
    const input = el('input', { type: 'text', value: track.name, maxLength: 80 });
    const done = () => { if (input.value !== track.name) this.w.change([{ do: 'track', track: track.number, name: input.value }], 'rename a track'); else this.update(); };
    input.addEventListener('blur', done, { once: true });
    input.addEventListener('keydown', (key) => { if (key.key === 'Enter') input.blur(); key.stopPropagation(); });
    event.target.replaceWith(input);
    input.focus();
    input.select();
  }

  /** Headers stand beside their lanes. */
  place() {
    const { lanes } = this.w;
    if (!lanes?.layout) return;
    this.rows.style.transform = `translateY(${-lanes.scrollY}px)`;
    for (const row of this.rows.children) row.style.height = `${lanes.laneHeight}px`;
    this.rows.classList.toggle('narrow', lanes.laneHeight < 48);
  }
}
