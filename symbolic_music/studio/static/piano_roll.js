/**
 * A piano roll on a canvas: lanes of all tracks, or the pitches of one. It draws a `Piece` and tells what the pointer
 * does; it knows no server. The studio and the notebook widget use the same.
 */

import { el } from './dom.js';
import { LanesLayout, PitchLayout } from './roll_layouts.js';
import { bar, paintChords, paintGround, paintKeyboard, paintNotes, paintRuler, paintVelocities } from './roll_paint.js';
import { Tiles } from './roll_tiles.js';
import { attachLanes } from './roll_lanes_pointer.js';
import { attachNotes } from './roll_notes_pointer.js';
import { colours, noteColour, onTheme } from './theme.js';

/**
 * @typedef {{first: number, last: number, tracks: number[]}} Selection a stretch in ticks, of some tracks
 * @typedef {{alternative?: number, track: number, onset: number, duration: number, pitch: number, velocity: number}} Note
 */

export class PianoRoll {
  /**
   * @param {HTMLElement} host is filled by the canvas
   * @param {{mode?: 'lanes'|'notes'|'small', onSelect?: Function, onSeek?: Function, onFocus?: Function, onChange?: Function,
   *   onChord?: Function, onView?: Function, onHear?: Function, onRange?: Function}} [options]
   */
  constructor(host, options = {}) {
    this.host = host;
    this.options = { mode: 'lanes', ...options };
    this.mode = this.options.mode;
    this.canvas = el('canvas', { class: 'roll', tabIndex: this.mode === 'small' ? -1 : 0 });
    this.canvas.setAttribute('aria-label', this.mode === 'notes' ? 'notes of a track' : 'tracks and bars');
    host.append(this.canvas);
    this.g = this.canvas.getContext('2d', { alpha: false });
    this.tiles = new Tiles();
    this.piece = null;
    this.scrollX = 0;
    this.scrollY = 0;
    this.perQuarter = 26;
    this.laneHeight = 62;
    this.rowHeight = 11;
    this.track = 0;
    /** @type {Selection|null} */
    this.selection = null;
    /** @type {Note[]} drawn over the piece: what is being written */
    this.live = [];
    /** @type {Selection|null} notes that begin here stand back */
    this.replaced = null;
    this.chosen = new Set();
    this.cursor = null;
    this.chords = [];
    this.hasOwnChords = false;
    this.scale = null;
    this.limits = null;
    this.ghosts = true;
    this.tool = 'select';
    this.grid = 0.25;
    this.drag = null;
    this.version = 0;
    this.frames = 0;
    this.top = this.mode === 'small' ? 0 : this.mode === 'lanes' ? 46 : 22;
    this.gutter = this.mode === 'notes' ? 64 : 0;
    this.bottom = this.mode === 'notes' ? 54 : 0;
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(host);
    onTheme(() => { this.version++; this.draw(); });
    if (this.mode === 'lanes') attachLanes(this);
    if (this.mode === 'notes') attachNotes(this);
    this.resize();
  }

  /** Show a piece; place and zoom stay. */
  setPiece(piece) {
    const isFirst = this.piece === null;
    this.piece = piece;
    this.chosen = new Set();
    this.track = Math.min(this.track, piece.tracks.length - 1);
    this.relayout();
    if (isFirst && this.mode !== 'small') this.showAll();
    if (isFirst && this.mode === 'notes') this.showPitches();
  }

  /** Which track a roll of notes shows. */
  setTrack(track) {
    if (track === this.track && this.layout?.track === track) return;
    this.track = track;
    this.chosen = new Set();
    this.relayout();
    this.showPitches();
  }

  relayout() {
    if (!this.piece) return;
    this.layout = this.mode === 'notes'
      ? new PitchLayout(this.piece, this.track, this.rowHeight, this.scale)
      : new LanesLayout(this.piece, this.mode === 'small' ? Math.max(18, this.height / Math.max(1, this.shownTracks().length)) : this.laneHeight);
    this.version++;
    this.clamp();
    this.draw();
  }

  /** Tracks of a small roll: those that are written. */
  shownTracks() { return this.only ?? this.piece?.tracks.map((t) => t.number) ?? []; }

  get timeline() { return this.piece.timeline; }
  get tickScale() { return this.perQuarter / this.piece.timeline.quarter; }
  /** Place of a tick on the canvas. */
  x(tick) { return this.gutter + tick * this.tickScale - this.scrollX; }
  /** Tick at a place. */
  tick(x) { return (x - this.gutter + this.scrollX) / this.tickScale; }
  get view() {
    return { x: (t) => this.x(t), tick: (p) => this.tick(p), scale: this.tickScale, gutter: this.gutter };
  }
  get bodyHeight() { return Math.max(1, this.height - this.top - this.bottom); }

  /** The bar line, beat or grid line at or before a tick. */
  snap(tick, unit = 'grid') {
    const line = this.timeline.barTick(this.timeline.barIndex(Math.max(0, tick)));
    if (unit === 'bar') return line;
    const step = unit === 'beat' ? this.timeline.beat(tick) : this.grid * this.timeline.quarter;
    return Math.round(line + Math.floor((Math.max(0, tick) - line) / step + 1e-6) * step);
  }

  resize() {
    const { clientWidth, clientHeight } = this.host;
    this.ratio = Math.min(2, devicePixelRatio || 1);
    this.width = Math.max(10, clientWidth);
    this.height = Math.max(10, clientHeight);
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
    if (this.mode === 'small') { this.relayout(); this.fitStretch(); return; }
    this.clamp();
    this.draw();
  }

  clamp() {
    if (!this.piece) return;
    const most = (this.piece.end + 8 * 4 * this.timeline.quarter) * this.tickScale - (this.width - this.gutter) * 0.6;
    this.scrollX = Math.max(0, Math.min(this.scrollX, Math.max(0, most)));
    this.scrollY = Math.max(0, Math.min(this.scrollY, Math.max(0, this.layout.height - this.bodyHeight)));
  }

  scrollTo(x, y = this.scrollY) {
    this.scrollX = x;
    this.scrollY = y;
    this.clamp();
    this.draw();
    this.options.onView?.(this);
  }

  /** Zoom so that the tick under a pixel stays there. */
  zoom(factor, at = this.width / 2) {
    const tick = this.tick(at);
    this.perQuarter = Math.max(0.6, Math.min(400, this.perQuarter * factor));
    this.scrollTo(tick * this.tickScale - (at - this.gutter));
  }

  /** The whole piece, or sixteen bars of a long one. */
  showAll() {
    const until = Math.max(this.timeline.barTick(4), Math.min(this.piece.end, this.timeline.barTick(20)));
    this.perQuarter = Math.max(2, Math.min(120, ((this.width - this.gutter - 12) / until) * this.timeline.quarter));
    this.scrollTo(0);
  }

  /** Scroll a roll of notes to where its track plays. */
  showPitches() {
    const range = this.piece.range(this.track) ?? [55, 72];
    if (this.layout.isDrum) { this.scrollTo(this.scrollX, 0); return; }
    this.scrollTo(this.scrollX, (127 - (range[0] + range[1]) / 2) * this.layout.rowHeight - this.bodyHeight / 2);
  }

  /** A stretch that fills a small roll. */
  setStretch(first, last, tracks) {
    this.stretch = [first, last];
    this.only = tracks;
    this.relayout();
    this.fitStretch();
  }

  fitStretch() {
    if (!this.stretch || !this.piece) return;
    const [first, last] = this.stretch;
    this.perQuarter = (this.width / Math.max(1, last - first)) * this.timeline.quarter;
    this.scrollX = first * this.tickScale;
    this.version++;
    this.draw();
  }

  setCursor(tick, follow = false) {
    this.cursor = tick;
    if (follow && tick !== null) {
      const at = this.x(tick);
      if (at > this.width - 40 || at < this.gutter) this.scrollTo(tick * this.tickScale - 60);
    }
    this.draw();
  }

  setSelection(selection) {
    this.selection = selection;
    this.draw();
  }

  /** Draw at the next frame. */
  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.paint(); });
  }

  paint() {
    if (!this.piece || !this.layout) return;
    this.frames++;
    const { g, layout, width } = this, c = colours();
    g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    g.fillStyle = c.roll;
    g.fillRect(0, 0, width, this.height);
    g.save();
    g.beginPath();
    g.rect(this.gutter, this.top, width - this.gutter, this.bodyHeight);
    g.clip();
    if (this.mode === 'small') this.paintSmall(); else this.paintTiles();
    g.translate(0, this.top - this.scrollY);
    this.paintLive();
    this.paintSelection();
    g.restore();
    if (this.mode !== 'small') this.paintFrame();
    if (this.cursor !== null) {
      const at = this.x(this.cursor);
      if (at >= this.gutter && at <= width) { g.fillStyle = c.cursor; g.fillRect(Math.round(at), this.mode === 'small' ? 0 : 14, 1.5, this.height); }
    }
    layout.painted = true;
  }

  paintTiles() {
    const { g, layout, piece } = this, scale = this.tickScale;
    const key = [this.version, this.perQuarter, this.ratio, this.mode, layout.height].join();
    this.tiles.draw(key, this.scrollX, this.width - this.gutter, layout.height, this.ratio,
      (own, left, width) => this.paintStrip(own, left, width, scale),
      (image, at, width) => g.drawImage(image, 0, 0, image.width, image.height, this.gutter + at - this.scrollX, this.top - this.scrollY, width, image.height / this.ratio));
    // Notes that are chosen or moved are drawn over the strips, which stay as they are.
    if (this.chosen.size && this.mode === 'notes') {
      g.save();
      g.translate(0, this.top - this.scrollY);
      g.fillStyle = colours().ink;
      for (const row of this.chosen) {
        const [shift, semitones, longer] = this.drag?.kind === 'move' ? this.drag.by : [0, 0, 0];
        const [top, height] = layout.note(this.track, piece.pitch[row] + semitones);
        bar(g, this.x(piece.onset[row] + shift), top, Math.max(2, (piece.duration[row] + longer) * scale - 0.7), height);
      }
      g.restore();
    }
  }

  paintStrip(own, left, width, scale) {
    const { layout, piece } = this;
    const x = (tick) => tick * scale - left;
    const first = left / scale, last = (left + width) / scale;
    paintGround(own, layout, this.timeline, x, width, first, last, scale);
    if (this.mode === 'notes' && this.ghosts && !layout.isDrum) {
      for (const track of piece.tracks) {
        if (track.number !== this.track && !track.is_drum) paintNotes(own, piece, layout, track.number, x, first, last, scale, { ghost: true });
      }
    }
    const replaced = this.replaced;
    for (const track of layout.tracks) {
      const faint = replaced?.tracks.includes(track) ? (row) => piece.onset[row] >= replaced.first && piece.onset[row] < replaced.last : undefined;
      paintNotes(own, piece, layout, track, x, first, last, scale, { faint });
    }
  }

  /** A small roll shows the written tracks alone, each in a lane. */
  paintSmall() {
    const { g, piece, layout } = this, c = colours(), tracks = this.shownTracks(), scale = this.tickScale;
    const first = this.tick(0), last = this.tick(this.width);
    for (const note of this.live) layout.include(note.track, note.pitch);
    for (const [i, track] of tracks.entries()) {
      g.save();
      g.translate(0, i * layout.laneHeight);
      g.fillStyle = i % 2 ? c['roll-alt'] : c.roll;
      g.fillRect(0, 0, this.width, layout.laneHeight);
      for (let index = this.timeline.barIndex(Math.max(0, first)); this.timeline.barTick(index) < last; index++) {
        g.fillStyle = c['grid-bar'];
        g.fillRect(Math.round(this.x(this.timeline.barTick(index))), 0, 1, layout.laneHeight);
      }
      g.translate(0, -track * layout.laneHeight);
      const replaced = this.replaced;
      const faint = replaced ? (row) => piece.onset[row] >= replaced.first && piece.onset[row] < replaced.last : undefined;
      if (piece.tracks[track]) paintNotes(g, piece, layout, track, (tick) => this.x(tick), first, last, scale, { faint });
      for (const note of this.live) if (note.track === track) this.paintNote(note);
      g.restore();
    }
  }

  paintLive() {
    if (this.mode === 'small') return;
    for (const note of this.live) if (this.mode === 'lanes' || note.track === this.track) this.paintNote(note);
    if (this.drag?.kind === 'draw') this.paintNote(this.drag.note);
  }

  paintNote(note) {
    const [top, height] = this.layout.note(note.track, note.pitch);
    this.g.fillStyle = noteColour(note.track, note.velocity / 127 + 0.25);
    bar(this.g, this.x(note.onset), top, Math.max(2, note.duration * this.tickScale - 0.7), height);
  }

  paintSelection() {
    const { g } = this, c = colours(), s = this.selection;
    if (s && this.mode !== 'small') {
      const left = this.x(s.first), width = (s.last - s.first) * this.tickScale;
      const spans = this.mode === 'notes' ? (s.tracks.includes(this.track) ? [[0, this.layout.height]] : []) : runs(s.tracks).map(([a, b]) => [a * this.laneHeight, (b - a + 1) * this.laneHeight]);
      for (const [top, height] of spans) {
        g.fillStyle = c.select;
        g.fillRect(left, top, width, height);
        g.strokeStyle = c['select-edge'];
        g.lineWidth = 1.5;
        g.strokeRect(left + 0.75, top + 0.75, width - 1.5, height - 1.5);
      }
    }
    if (this.drag?.kind === 'marquee') {
      const { x0, y0, x1, y1 } = this.drag;
      g.strokeStyle = c.accent;
      g.setLineDash([4, 3]);
      g.strokeRect(Math.min(x0, x1), Math.min(y0, y1) - this.top + this.scrollY, Math.abs(x1 - x0), Math.abs(y1 - y0));
      g.setLineDash([]);
    }
  }

  paintFrame() {
    const { g, piece } = this, c = colours();
    const ruler = this.mode === 'lanes' ? 24 : 22;
    paintRuler(g, piece, this.view, this.width, ruler);
    if (this.mode === 'lanes') paintChords(g, this.chords, this.timeline, this.view, ruler, this.width, 22, this.hasOwnChords);
    if (this.selection) {
      g.fillStyle = c.accent;
      g.fillRect(this.x(this.selection.first), ruler - 2.5, (this.selection.last - this.selection.first) * this.tickScale, 2.5);
    }
    if (this.mode === 'notes') {
      paintVelocities(g, piece, this.track, this.view, this.height - this.bottom, this.width, this.bottom, this.chosen);
      paintKeyboard(g, this.layout, piece.facts.drums, this.top, this.scrollY, this.gutter, this.bodyHeight, this.limits);
      g.fillStyle = c.panel;
      g.fillRect(0, 0, this.gutter, this.top);
      g.fillRect(0, this.height - this.bottom, this.gutter, this.bottom);
      g.fillStyle = c.faint;
      g.font = `10px ${c.font}`;
      g.textBaseline = 'middle';
      g.fillText('velocity', 8, this.height - this.bottom / 2);
    }
  }

  /** Stop watching. */
  remove() { this.watch.disconnect(); this.canvas.remove(); }
}

/** Numbers as runs of neighbours: [[first, last], ...]. */
function runs(numbers) {
  const found = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = found[found.length - 1];
    if (last && last[1] === n - 1) last[1] = n; else found.push([n, n]);
  }
  return found;
}
