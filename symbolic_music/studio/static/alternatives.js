/** Alternatives side by side as small rolls while they are drawn: hear them, mix their bars, keep one. */

import { el, fill, say } from './dom.js';
import { icon } from './icons.js';
import { PianoRoll } from './piano_roll.js';
import { Piece } from './piece.js';

const LETTERS = 'ABCDEFGH';
const notesSaid = (count) => `${count} ${count === 1 ? 'note' : 'notes'}`;

export class Alternatives {
  constructor(workspace) {
    this.w = workspace;
    this.cards = [];
    this.isDrawing = false;
    this.number = null;
    this.status = el('span', { class: 'soft status' });
    this.keepMix = el('button', { class: 'primary', hidden: true, onclick: () => this.keep(this.takes()) }, 'Keep these bars');
    this.putBack = el('button', { onclick: () => this.discard(), title: 'As it was (Escape)' }, 'Put back');
    this.listen = el('button', { title: 'Hear the first alternative while it is drawn', onclick: () => { this.isListening = !this.isListening; this.listen.classList.toggle('on', this.isListening); } }, 'Listen while drawing');
    this.bar = el('div', { class: 'tools', hidden: true }, this.status, el('span', { class: 'grow' }), this.listen, this.keepMix, this.putBack);
    this.host = el('div', { class: 'cards' });
    this.empty = el('p', { class: 'soft empty' }, 'Select bars and tracks above, say what you want on the right, and alternatives appear here while they are drawn.');
    this.node = el('div', { class: 'pane alternatives' }, this.bar, this.empty, this.host);
  }

  /** Ask for alternatives. */
  async start(wish) {
    this.close();
    const { w } = this;
    w.transport.stop();
    const begun = await w.attempt(() => w.server.wish(wish));
    if (!begun) return;
    this.open(wish, begun.edit);
    this.isDrawing = true;
    this.seed = begun.seed;
    this.status.textContent = 'Drawing …';
    w.ask.label();
    this.source = w.server.events(begun.edit);
    this.source.addEventListener('notes', (event) => this.take(JSON.parse(event.data)));
    for (const kind of ['done', 'cancelled']) this.source.addEventListener(kind, (event) => this.finish(kind, JSON.parse(event.data)));
    this.source.addEventListener('failed', (event) => { say(JSON.parse(event.data).message, true); this.ended(); this.close(); });
  }

  /** Show the alternatives of an edit that was drawn before. */
  async reopen(edit) {
    const { w } = this;
    this.open({ ...edit.wish, alternatives: edit.alternatives.length }, edit.number, edit.alternatives.map((one) => one.number));
    this.seed = edit.seed;
    for (const card of this.cards) {
      const other = new Piece(await w.server.alternative(edit.number, card.number));
      if (adds(this.wish)) for (let n = w.piece.tracks.length + 1; n < other.tracks.length; n++) if (!this.scope.tracks.includes(n)) this.widen(n);
      card.roll.live = notesOf(other, this.scope, w.piece);
      for (const note of card.roll.live) note.alternative = card.number;
      card.roll.draw();
    }
    this.finish(edit.status, edit);
  }

  open(wish, number, numbers = Array.from({ length: wish.alternatives }, (_, i) => i)) {
    const { w } = this;
    this.wish = wish;
    this.number = number;
    this.scope = scopeOf(wish, w.piece);
    const { first, last, tracks } = this.scope;
    this.original = this.card(null, 'Original');
    this.cards = numbers.map((n) => this.card(n, LETTERS[n]));
    fill(this.host, wish.verb === 'intro' || wish.verb === 'continue' || adds(wish) ? null : this.original.node, this.cards.map((card) => card.node));
    for (const card of [this.original, ...this.cards]) {
      card.roll.setPiece(w.piece);
      if (card.number !== null) card.roll.replaced = wish.verb === 'intro' ? { first: 0, last: Infinity, tracks } : this.scope;
      card.roll.setStretch(first, last, tracks);
    }
    w.lanes.replaced = wish.verb === 'intro' ? null : this.scope;
    w.lanes.version++;
    this.bar.hidden = false;
    this.empty.hidden = true;
    this.keepMix.hidden = true;
    w.tab('alternatives');
  }

  card(number, letter) {
    const host = el('div', { class: 'small-roll' });
    const facts = el('p', { class: 'soft facts number' });
    const play = el('button', { title: `Hear it (${number === null ? 0 : number + 1})`, onclick: () => this.play(number) }, icon('play'));
    const keep = number === null ? null : el('button', { class: 'keep', disabled: true, onclick: () => this.keep([this.whole(number)]) }, 'Keep');
    const bars = el('div', { class: 'bars' });
    const node = el('article', { class: 'card', dataset: { alternative: number ?? 'original' }, onclick: () => this.showIn(number) },
      el('header', {}, el('strong', {}, letter), el('span', { class: 'grow' }), play, keep), facts, host, bars);
    return { number, letter, node, host, facts, play, keep, bars, roll: new PianoRoll(host, { mode: 'small' }) };
  }

  of(number) { return number === null ? this.original : this.cards.find((card) => card.number === number); }

  take({ notes, done }) {
    for (const [alternative, track, onset, duration, pitch, velocity] of notes) {
      const note = { alternative, track, onset, duration, pitch, velocity };
      const card = this.of(alternative);
      if (!card) continue;
      if (!this.scope.tracks.includes(track)) this.widen(track);
      card.roll.live.push(note);
      card.roll.draw();
      card.facts.textContent = notesSaid(card.roll.live.length);
      if (alternative === (this.shown ?? this.cards[0].number)) { this.w.lanes.live.push(note); this.w.lanes.draw(); }
      if (this.isListening && alternative === this.cards[0].number) this.hear(note);
    }
    this.status.textContent = `Drawing … ${Math.round(done * 100)} %`;
  }

  /** One more track is written than was foreseen: models of parts add several. */
  widen(track) {
    this.scope.tracks = [...this.scope.tracks, track];
    for (const card of this.cards) card.roll.setStretch(this.scope.first, this.scope.last, this.scope.tracks);
  }

  /** Sound a note that was just drawn: in time once the music has begun, which it does after the first bar. */
  hear(note) {
    const { w } = this, { timeline } = w.piece;
    const starts = timeline.seconds(this.scope.first), at = timeline.seconds(note.onset);
    if (!this.heard && at - starts > 1.5) {
      this.heard = true;
      w.transport.play({ silent: this.scope.tracks }, starts);
      for (const earlier of this.cards[0].roll.live) this.sound(earlier);
      return;
    }
    if (this.heard) this.sound(note);
  }

  async sound(note) {
    const { w } = this, { timeline } = w.piece;
    while (w.sound.playing && w.sound.startedAt === null) await new Promise((r) => setTimeout(r, 20));
    if (!w.sound.playing) return;
    const seconds = timeline.seconds(note.onset + note.duration) - timeline.seconds(note.onset);
    const when = w.sound.timeOf(timeline.seconds(note.onset));
    if (when > w.sound.context.currentTime - 0.1) w.hear(note.track, note.pitch, note.velocity, when, seconds);
  }

  finish(kind, { alternatives, model }) {
    this.ended();
    if (!alternatives.length) { this.close(); return; }
    this.listed = alternatives;
    const best = alternatives[0];
    this.status.textContent = `${kind === 'done' ? 'Done' : 'Stopped'}: ${alternatives.length} of “${this.wish.verb}”${model ? ` by ${model}` : ''}, seed ${this.seed}. The best fit stands first.`;
    const cards = alternatives.map((one) => {
      const card = this.of(one.number);
      card.keep.disabled = false;
      card.node.classList.toggle('best', one === best && alternatives.length > 1);
      const likelihood = one.log_likelihood === null ? '' : `${one.log_likelihood.toFixed(2)} a note`;
      const fit = one.fit === null ? '' : `fit ${Math.round(100 * one.fit)} %`;
      card.facts.textContent = [fit, likelihood, notesSaid(one.notes), one.copies_original ? 'nearly the original' : '', one.copy_of !== null ? `nearly ${LETTERS[one.copy_of]}` : '', one.complete ? '' : 'unfinished'].filter(Boolean).join(' · ');
      const shares = Object.entries(one.shares).map(([name, share]) => `${name}: ${Math.round(100 * share)} %`).join('\n');
      card.facts.title = `How it fits what is around it:\n${shares}\nLog-likelihood a note under the model: nearer to 0 is less surprising, not always better.`;
      return card;
    });
    const others = this.cards.filter((card) => !cards.includes(card));
    for (const card of others) card.node.remove();
    this.cards = cards;
    for (const [place, card] of cards.entries()) {
      card.play.title = `Hear it (${place + 1})`;
      this.host.append(card.node);
    }
    this.choices();
    this.showIn(best.number);
  }

  /** Chips under each roll: from which alternative each bar is taken. */
  choices() {
    const { timeline } = this.w.piece, { first, last } = this.scope;
    if (['intro', 'add-track', 'accompany'].includes(this.wish.verb)) return;
    this.stretches = [];
    for (let bar = timeline.barIndex(first); timeline.barTick(bar) < last; bar++) {
      this.stretches.push({ bar: bar + 1, first: Math.max(first, timeline.barTick(bar)), last: Math.min(last, timeline.barTick(bar + 1)), from: null });
    }
    if (this.stretches.length < 2 || this.cards.length < 2) return;
    for (const card of this.cards) {
      fill(card.bars, this.stretches.map((stretch) => el('button', {
        class: 'chip', title: `Take bar ${stretch.bar} of ${card.letter}`,
        onclick: (event) => { event.stopPropagation(); stretch.from = stretch.from === card.number ? null : card.number; this.mark(); },
      }, stretch.bar)));
    }
  }

  mark() {
    for (const card of this.cards) {
      for (const [i, chip] of [...card.bars.children].entries()) chip.classList.toggle('on', this.stretches[i].from === card.number);
    }
    this.keepMix.hidden = !this.stretches.some((stretch) => stretch.from !== null);
    this.w.lanes.live = this.stretches.flatMap(({ first, last, from }) => from === null ? [] : this.of(from).roll.live.filter((note) => note.onset >= first && note.onset < last));
    this.w.lanes.draw();
  }

  /** What is taken: stretches of alternatives, those of the same that touch as one. */
  takes() {
    const found = [];
    for (const { first, last, from } of this.stretches) {
      if (from === null) continue;
      const before = found[found.length - 1];
      if (before && before.alternative === from && before.last === first) before.last = last;
      else found.push({ alternative: from, first, last });
    }
    // One take alone would be that alternative whole: an empty second one says that it is not.
    if (found.length === 1 && (found[0].first > this.scope.first || found[0].last < this.scope.last)) found.push({ ...found[0], first: found[0].last, last: found[0].last });
    return found;
  }

  whole(number) { return { alternative: number, first: this.scope.first, last: this.scope.last }; }

  /** Show an alternative, or the original, in its place among the tracks. */
  showIn(number) {
    if (this.number === null) return;
    this.shown = number;
    for (const card of [this.original, ...this.cards]) card.node.classList.toggle('shown', card.number === number);
    const { lanes, notes } = this.w;
    const replaced = number === null || this.wish.verb === 'intro' ? null : this.scope;
    for (const roll of [lanes, notes]) {
      roll.live = number === null || this.wish.verb === 'intro' ? [] : [...this.of(number).roll.live];
      roll.replaced = replaced;
      roll.version++;
      roll.draw();
    }
    const { transport, sound } = this.w;
    if (sound.playing && transport.version?.first !== undefined) this.play(number, true);
  }

  /** Hear an alternative in its place, a bar before it; again, and it stops. */
  play(number, goOn = false) {
    const { transport, sound } = this.w;
    if (!goOn && sound.playing && this.heardNumber === number) { transport.stop(); return; }
    const at = goOn ? sound.position() ?? undefined : undefined;
    this.heardNumber = number;
    const { first, last } = this.scope, { timeline } = this.w.piece;
    const until = timeline.barTick(timeline.barIndex(last - 1) + 2);
    const version = { first, last: until, lead: 1, edit: number === null ? undefined : this.number, alternative: number ?? undefined };
    transport.play(version, at);
    this.playing(number);
    if (!goOn) this.showIn(number);
  }

  /** Mark what is heard. */
  playing(number) {
    for (const card of this.number === null ? [] : [this.original, ...this.cards]) fill(card.play, icon(this.w.sound.playing && card.number === number ? 'stop' : 'play'));
  }

  setCursor(tick) {
    if (this.number === null) return;
    for (const card of [this.original, ...this.cards]) card.roll.setCursor(this.w.sound.playing && this.heardNumber === card.number ? tick : null);
  }

  async keep(takes) {
    const { w } = this;
    const session = await w.attempt(() => w.server.keep(this.number, takes));
    if (!session) return;
    w.transport.stop();
    this.close();
    await w.attempt(() => w.refresh(session));
    w.tab('notes');
    say('Kept. Everything outside is as it was; undo with Ctrl Z.');
  }

  cancel() { if (this.isDrawing) this.w.attempt(() => this.w.server.cancel(this.number)); }

  ended() {
    this.source?.close();
    this.source = null;
    this.isDrawing = false;
    this.w.ask.label();
  }

  discard() {
    this.w.transport.stop();
    this.close();
    this.w.tab('notes');
  }

  /** Forget the alternatives on the page; the folder keeps them. */
  close() {
    if (this.isDrawing) this.cancel();
    this.ended();
    for (const card of [this.original, ...this.cards]) card?.roll.remove();
    Object.assign(this, { cards: [], original: null, number: null, shown: undefined, heard: false, heardNumber: undefined });
    fill(this.host);
    this.bar.hidden = true;
    this.empty.hidden = false;
    for (const roll of [this.w.lanes, this.w.notes]) {
      if (!roll) continue;
      roll.live = [];
      roll.replaced = null;
      roll.version++;
      roll.draw();
    }
  }
}

/** Whether a wish writes tracks that are not there yet. */
const adds = (wish) => wish.verb === 'add-track' || (wish.verb === 'accompany' && !wish.tracks.length);

/** The stretch and the tracks that a wish writes. */
export function scopeOf(wish, piece) {
  const { timeline } = piece, all = piece.tracks.map((track) => track.number);
  const tracks = wish.tracks.length ? wish.tracks : all;
  const whole = { first: 0, last: timeline.bars[timeline.bars.length - 1] };
  const span = wish.spans.length ? { first: wish.spans[0][0], last: wish.spans[0][1] } : whole;
  if (adds(wish)) return { ...(wish.verb === 'accompany' ? whole : span), tracks: [piece.tracks.length] };
  if (wish.verb === 'accompany') return { ...whole, tracks };
  if (wish.verb === 'intro') return { first: 0, last: timeline.barTick(wish.bars), tracks };
  if (wish.verb === 'continue') return { first: piece.end, last: timeline.barTick(timeline.bars.length - 1 + wish.bars), tracks };
  return { ...span, tracks };
}

/** Notes of an alternative in its scope. */
function notesOf(other, { first, last, tracks }, base) {
  const wanted = tracks.filter((track) => track < other.tracks.length);
  const rows = other.beginning(wanted.length ? wanted : other.tracks.map((t) => t.number).slice(base.tracks.length), first, last);
  return rows.map((row) => ({ track: other.track[row], onset: other.onset[row], duration: other.duration[row], pitch: other.pitch[row], velocity: other.velocity[row] }));
}
