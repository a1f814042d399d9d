/** Play, pause, loop, metronome, and where the music is. */

import { el, fill } from './dom.js';
import { icon } from './icons.js';
import { clock } from './timeline.js';

export class Transport {
  constructor(workspace) {
    this.w = workspace;
    this.cursor = 0;
    this.loop = false;
    this.metronome = false;
    this.synth = 'ddsp';
    this.version = null;
    this.play_ = el('button', { class: 'play', title: 'Play or stop (Space)', onclick: () => this.toggle() }, icon('play'));
    this.loop_ = el('button', { title: 'Loop the selection, two bars before it (L)', onclick: () => this.setLoop(!this.loop) }, icon('loop'));
    this.click_ = el('button', { title: 'Metronome (M)', onclick: () => { this.metronome = !this.metronome; this.click_.classList.toggle('on', this.metronome); } }, icon('metronome'));
    this.where = el('span', { class: 'where number' });
    this.time = el('span', { class: 'soft number' });
    this.tempo = el('input', { type: 'number', class: 'tempo number', min: 10, max: 400, step: 1, title: 'Quarters a minute', onchange: () => this.setTempo() });
    this.key = el('span', { class: 'soft', title: 'Likely key' });
    this.sounds = el('select', { title: 'Sound', onchange: () => { this.synth = this.sounds.value; this.restartIfPlaying(); } },
      el('option', { value: 'ddsp' }, 'built-in voices'), el('option', { value: 'soundfont' }, 'SoundFont'));
    this.node = el('div', { class: 'transport' },
      el('button', { title: 'To the beginning (Home)', onclick: () => this.seek(0) }, icon('start')), this.play_, this.loop_, this.click_, this.where, this.time,
      el('label', { class: 'soft' }, this.tempo, ' bpm'), this.key, this.sounds);
    this.frame = () => this.tick();
  }

  update() {
    const { timeline, key } = this.w.piece;
    if (document.activeElement !== this.tempo) this.tempo.value = Math.round(timeline.tempo(0));
    this.key.textContent = key ?? '';
    this.show();
  }

  show() {
    const { timeline, facts } = this.w.piece;
    this.where.textContent = timeline.shown(this.cursor);
    this.time.textContent = `${clock(timeline.seconds(this.cursor))} / ${clock(facts.seconds)}`;
  }

  setTempo() {
    const value = Number(this.tempo.value);
    if (value >= 10 && value <= 400) this.w.change([{ do: 'tempo', quarters_per_minute: value }], `tempo ${value}`);
  }

  setLoop(on) {
    this.loop = on;
    this.loop_.classList.toggle('on', on);
    this.restartIfPlaying();
  }

  toggle() {
    if (this.w.sound.playing) this.stop(); else this.play();
  }

  stop() {
    this.w.sound.stop();
    this.version = null;
    fill(this.play_, icon('play'));
    this.play_.classList.remove('on');
    this.w.alternatives.playing(null);
  }

  /** Go to a tick, and on from there when playing. */
  seek(tick) {
    this.cursor = Math.max(0, tick);
    this.put(false);
    if (this.w.sound.playing) this.play(this.version ?? {}, this.w.piece.timeline.seconds(this.cursor));
  }

  restartIfPlaying() {
    if (this.w.sound.playing) this.play(this.version ?? {}, this.w.sound.position() ?? undefined);
  }

  /**
   * Play the piece, or an alternative.
   * @param {{edit?: number, alternative?: number, first?: number, last?: number}} [version] first and last in ticks
   * @param {number} [from] seconds; else from the cursor, or two bars before the loop
   */
  play(version = {}, from = undefined) {
    const { piece, sound, selection } = this.w, { timeline } = piece;
    const isLooped = this.loop && (selection || version.first !== undefined);
    const stretch = version.first !== undefined ? version : isLooped ? selection : null;
    let first = timeline.seconds(this.cursor), until = null;
    if (stretch) {
      const bar = timeline.barIndex(stretch.first);
      first = timeline.seconds(timeline.barTick(Math.max(0, bar - (isLooped ? 2 : version.lead ?? 0))));
      until = timeline.seconds(stretch.last);
    }
    const begin = from !== undefined && (until === null || from < until) ? from : first;
    if (!stretch && begin >= piece.facts.seconds - 0.05) { this.cursor = 0; this.play(version, 0); return; }
    const ask = (at) => this.w.server.sound({
      state: this.w.session.current, edit: version.edit, alternative: version.alternative, from: at.toFixed(4),
      to: until === null ? undefined : until.toFixed(4), silent: [...this.w.headers.silent(), ...(version.silent ?? [])].join(), volumes: this.w.headers.volumes(), synth: this.synth,
    });
    this.version = version;
    fill(this.play_, icon('pause'));
    this.play_.classList.add('on');
    this.clicked = begin;
    sound.play(ask(begin), begin, {
      until, again: isLooped ? () => ask(first) : null, loopFrom: first,
      onEnd: (error) => { if (error) this.w.attempt(() => { throw error; }); this.stop(); },
    });
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(this.frame);
  }

  tick() {
    const { sound, piece } = this.w;
    if (!sound.playing) return;
    const seconds = sound.position();
    if (seconds !== null) {
      this.cursor = Math.max(0, piece.timeline.tick(seconds));
      this.put(true);
      if (this.metronome) this.clicks(seconds);
    }
    this.waiting = requestAnimationFrame(this.frame);
  }

  /** Clicks of the next beats. */
  clicks(now) {
    const { sound, piece } = this.w, { timeline } = piece;
    if (this.clicked > now + 1 || this.clicked < now - 1) this.clicked = now;
    const until = now + 0.25;
    let tick = timeline.tick(this.clicked);
    let bar = timeline.barIndex(tick);
    for (let guard = 0; guard < 16; guard++) {
      const line = timeline.barTick(bar), beat = timeline.beat(line);
      const number = Math.ceil((tick - line) / beat - 1e-6), at = line + number * beat;
      if (at >= timeline.barTick(bar + 1) - 1) { bar++; tick = timeline.barTick(bar); continue; }
      const seconds = timeline.seconds(at);
      if (seconds > until) break;
      if (seconds >= now) sound.click(sound.timeOf(seconds), number === 0);
      tick = at + 1;
    }
    this.clicked = timeline.seconds(tick);
  }

  put(follow) {
    this.w.lanes.setCursor(this.cursor, follow);
    this.w.notes.setCursor(this.cursor);
    this.w.alternatives.setCursor(this.cursor);
    this.show();
  }
}
