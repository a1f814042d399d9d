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
    this.changed();
  }

  setVolume(number, factor) {
    this.factors.set(number, factor);
    this.changed();
  }

  changed() {
    this.update();
    this.w.transport.restartIfPlaying();
    this.w.remember();
  }

  /** A track is gone: what is set for those after it goes with them. */
  removed(track) {
    const moved = (numbers) => numbers.filter((n) => n !== track).map((n) => (n > track ? n - 1 : n));
    this.muted = new Set(moved([...this.muted]));
    this.soloed = new Set(moved([...this.soloed]));
    this.factors = new Map([...this.factors].filter(([n]) => n !== track).map(([n, factor]) => [moved([n])[0], factor]));
  }

  update() {
    const { piece, focus, selection } = this.w;
    if (!piece || !this.w.lanes) return;
    const held = document.activeElement?.dataset.knob; // rows are made anew: the focus stays on the same knob
    fill(this.rows, piece.tracks.map((track) => {
      const n = track.number;
      const isMuted = this.muted.has(n), isSoloed = this.soloed.has(n);
      return el('div', { class: `header${n === focus ? ' focus' : ''}${selection?.tracks.includes(n) ? ' selected' : ''}`, dataset: { track: n }, onclick: () => this.w.focusOn(n) },
        el('span', { class: 'swatch', style: `background:${noteColour(n)}` }),
        el('div', { class: 'names' },
          el('span', { class: 'name', title: `${track.title}: double-click to rename`, ondblclick: (event) => this.rename(event, track) }, track.title),
          this.instrument(track)),
        el('div', { class: 'knobs' },
          el('button', { class: isMuted ? 'on' : '', title: `Mute ${track.title}`, 'aria-pressed': String(isMuted), dataset: { knob: `mute-${n}` }, onclick: (event) => { event.stopPropagation(); this.toggle(this.muted, n); } }, 'M'),
          el('button', { class: isSoloed ? 'on' : '', title: `Solo ${track.title}`, 'aria-pressed': String(isSoloed), dataset: { knob: `solo-${n}` }, onclick: (event) => { event.stopPropagation(); this.toggle(this.soloed, n); } }, 'S'),
          el('input', { type: 'range', min: 0, max: 1.5, step: 0.05, value: this.factors.get(n) ?? 1, title: `Volume of ${track.title} while listening; double-click for 1`, dataset: { knob: `volume-${n}` },
            onclick: (event) => event.stopPropagation(), ondblclick: () => { this.factors.delete(n); this.changed(); },
            onchange: (event) => this.setVolume(n, Number(event.target.value)) })));
    }));
    this.place();
    if (held) this.rows.querySelector(`[data-knob="${held}"]`)?.focus();
  }

  /** An instrument picker that looks like text. */
  instrument(track) {
    const picker = el('select', { class: 'instrument', title: `Instrument of ${track.title}`, onclick: (event) => event.stopPropagation(),
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
