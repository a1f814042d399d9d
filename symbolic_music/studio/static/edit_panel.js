/** The panel in which one asks: what is to be done, within which limits, by which model. */

import { el, fill } from './dom.js';
import { INSTRUMENTS } from './instruments.js';
import { limitsPanel } from './limits.js';

const VERBS = [
  ['rewrite', 'Rewrite', 'Write the selected bars of the selected tracks anew.'],
  ['fill', 'Fill', 'Write only into bars in which the selected tracks are silent.'],
  ['vary', 'Vary', 'Some beats anew, the others as they are.'],
  ['busier', 'Busier', 'Anew with more notes in a bar.'],
  ['sparser', 'Sparser', 'Leave some of the notes; the model chooses which.'],
  ['revoice', 'Re-voice', 'Other pitches in the rhythm that is there.'],
  ['harmonise', 'Harmonise', 'Anew, within the chords of the chord lane.'],
  ['accompany', 'Accompany', 'Write the selected tracks anew from beginning to end under all others; with none or all selected, one more track.'],
  ['add-track', 'Add a track', 'One more instrument over the selection, or over the whole piece.'],
  ['continue', 'Continue', 'Some bars after the end.'],
  ['intro', 'Intro', 'Some bars before the beginning.'],
];
// Verbs that need no stretch.
const ANYWHERE = new Set(['continue', 'intro', 'add-track', 'accompany']);
// Verbs that follow the style of other bars.
const FOLLOWING = new Set(['rewrite', 'fill', 'harmonise', 'vary', 'busier', 'continue']);

export class AskPanel {
  constructor(workspace) {
    this.w = workspace;
    this.verb = 'rewrite';
    this.options = { near: 0.6, busier: 1.5, sparser: 0.6, bars: 4, instrument: 33 };
    this.count = 4;
    this.seed = '';
    this.temperature = null;
    this.top_p = null;
    /** Ticks of the bars whose style is followed. @type {[number, number]|null} */
    this.like = null;
    this.model = workspace.session.view.model ?? null;
    this.limits = limitsPanel(this);
    this.where = el('p', { class: 'asked' });
    this.buttons = VERBS.map(([verb, name, tip]) => el('button', { class: 'verb', title: tip, dataset: { verb }, onclick: () => { this.verb = verb; this.update(); } }, name));
    this.own = el('div', { class: 'own' });
    this.go = el('button', { class: 'primary go', title: 'Ask (Enter)', onclick: () => this.run() });
    this.stop = el('button', { hidden: true, class: 'stop', onclick: () => workspace.alternatives.cancel() }, 'Stop');
    this.howMany = el('input', { type: 'range', min: 1, max: 6, value: this.count, oninput: () => { this.count = Number(this.howMany.value); this.label(); } });
    this.more = this.morePanel();
    this.node = el('aside', { class: 'ask' },
      this.where, el('div', { class: 'verbs' }, this.buttons), this.own,
      el('label', { class: 'slider' }, el('span', {}, 'Alternatives'), this.howMany),
      el('div', { class: 'row' }, this.go, this.stop),
      this.limits.node, this.more, this.words);
  }

  morePanel() {
    const { models } = this.w;
    this.words = el('p', { class: 'soft words' });
    const picker = el('select', { title: 'Which model answers', onchange: () => { this.choose(picker.value); this.w.basics.update(); } },
      models.map((one) => el('option', { value: one.name, selected: this.model ? one.name === this.model : one.default }, one.name)));
    this.model ??= picker.value;
    this.picker = picker;
    const number = (label, name, min, max, step, tip) => {
      const input = el('input', { type: 'number', min, max, step, placeholder: 'as the model', title: tip, oninput: () => { this[name] = input.value === '' ? null : Number(input.value); } });
      return el('label', {}, el('span', {}, label), input);
    };
    const seed = el('input', { type: 'text', placeholder: 'another every time', inputMode: 'numeric', title: 'The same seed gives the same notes', oninput: () => { this.seed = seed.value.replace(/\D/g, ''); } });
    this.seedInput = seed;
    return el('details', { class: 'more' }, el('summary', {}, 'More'), el('div', { class: 'fields' },
      el('label', {}, el('span', {}, 'Model'), picker),
      number('Temperature', 'temperature', 0, 2, 0.05, 'Below 1 safer, above 1 bolder'),
      number('Top-p', 'top_p', 0.05, 1, 0.05, 'Draw from the likeliest ids that make up this part'),
      el('label', {}, el('span', {}, 'Seed'), seed)));
  }

  /** Another model; the session remembers it. */
  choose(name) {
    this.model = this.picker.value = name;
    this.w.remember();
    this.say();
  }

  say() {
    const model = this.w.models.find((one) => one.name === this.model) ?? this.w.models[0];
    this.words.textContent = `${model.name}: ${model.words} Licence: ${model.licence}`;
    this.words.title = `Learnt from: ${model.data}`;
  }

  setRange(range) { this.limits.setRange(range); }

  /** Tracks that are asked for. */
  get tracks() {
    const tracks = this.w.selection?.tracks ?? [];
    return this.verb === 'accompany' && tracks.length === this.w.piece.tracks.length ? [] : tracks;
  }

  update() {
    const { selection, piece } = this.w;
    if (!piece || !this.node.isConnected) return;
    for (const button of this.buttons) button.classList.toggle('on', button.dataset.verb === this.verb);
    this.where.textContent = selection ? this.described(selection) : ANYWHERE.has(this.verb) ? 'The whole piece' : 'Drag over bars and tracks to say where.';
    this.fillOwn();
    this.limits.update(selection, piece);
    this.say();
    this.label();
  }

  described({ first, last, tracks }) {
    const { timeline, tracks: all } = this.w.piece;
    const from = timeline.place(first), to = timeline.place(last);
    const whole = from % 1 === 0 && to % 1 === 0;
    const bars = whole ? (to - from === 1 ? `Bar ${from}` : `Bars ${from} to ${to - 1}`) : `Bar ${from.toFixed(2)} up to ${to.toFixed(2)}`;
    const names = tracks.map((n) => all[n]?.title ?? '');
    return `${bars} · ${tracks.length === all.length ? 'all tracks' : names.length > 3 ? `${names.length} tracks` : names.join(', ')}`;
  }

  fillOwn() {
    const slider = (label, name, min, max, step, ends) => {
      const value = el('output', { class: 'number' }, this.options[name]);
      const input = el('input', { type: 'range', min, max, step, value: this.options[name], oninput: () => { this.options[name] = Number(input.value); value.textContent = input.value; } });
      return el('label', { class: 'slider' }, el('span', {}, label, ' ', value), input, ends ? el('span', { class: 'ends soft' }, el('span', {}, ends[0]), el('span', {}, ends[1])) : null);
    };
    const tip = VERBS.find(([verb]) => verb === this.verb)[2];
    const parts = [el('p', { class: 'soft' }, tip)];
    if (this.verb === 'vary') parts.push(slider('How near', 'near', 0, 0.95, 0.05, ['far', 'near']));
    if (this.verb === 'busier') parts.push(slider('Times the notes', 'busier', 1.1, 4, 0.1));
    if (this.verb === 'sparser') parts.push(slider('Share that stays', 'sparser', 0.1, 0.95, 0.05));
    if (['continue', 'intro'].includes(this.verb)) parts.push(slider('Bars', 'bars', 1, 16, 1));
    if (this.verb === 'add-track') {
      const picker = el('select', { onchange: () => { this.options.instrument = Number(picker.value); } }, INSTRUMENTS.map((name, i) => el('option', { value: i, selected: i === this.options.instrument }, name)));
      parts.push(el('label', { class: 'slider' }, el('span', {}, 'Instrument'), picker));
    }
    fill(this.own, parts);
  }

  label() {
    const name = VERBS.find(([verb]) => verb === this.verb)[1];
    this.go.textContent = this.count === 1 ? name : `${name} · ${this.count} alternatives`;
    this.go.disabled = this.w.alternatives?.isDrawing || (!this.w.selection && !ANYWHERE.has(this.verb));
    this.stop.hidden = !this.w.alternatives?.isDrawing;
  }

  /** What is asked, as the server takes it. */
  wish() {
    const { selection, session } = this.w;
    const spans = selection && !['continue', 'intro', 'accompany'].includes(this.verb) ? [[selection.first, selection.last]] : [];
    const chords = this.verb === 'harmonise' ? { chords: this.w.chords } : {};
    const verb = this.limits.on.rhythm.checked && ['rewrite', 'harmonise'].includes(this.verb) ? 'revoice' : this.verb;
    return {
      verb, state: session.current, spans, tracks: this.verb === 'add-track' ? [] : this.tracks,
      alternatives: this.count, near: this.options.near, factor: this.verb === 'sparser' ? this.options.sparser : this.options.busier,
      bars: this.options.bars, instrument: this.options.instrument, limits: { ...this.limits.asked(verb), ...chords }, model: this.model,
      temperature: this.temperature, top_p: this.top_p, seed: this.seed === '' ? null : Number(this.seed),
      like: FOLLOWING.has(verb) ? this.like : null,
    };
  }

  run(verb = this.verb) {
    this.verb = verb;
    this.update();
    if (this.go.disabled) return;
    this.w.alternatives.start(this.wish());
  }
}
