/** Where notes stand: tracks in lanes above each other, or the pitches of one track. Heights in CSS pixels. */

const BLACK = new Set([1, 3, 6, 8, 10]);
export const isBlack = (pitch) => BLACK.has(pitch % 12);

/** Every track is a lane; its own range of pitches fills it. */
export class LanesLayout {
  constructor(piece, laneHeight) {
    this.piece = piece;
    this.laneHeight = laneHeight;
    this.ranges = piece.tracks.map((track) => {
      let [low, high] = track.lowest === null ? [54, 66] : [track.lowest, track.highest];
      while (high - low < 11) { low = Math.max(0, low - 1); high = Math.min(127, high + 1); }
      return [low, high];
    });
  }

  /** Make room for a pitch, also of a track that the piece has not yet. */
  include(track, pitch) {
    const range = this.ranges[track] ??= [Math.max(0, pitch - 6), Math.min(127, pitch + 6)];
    range[0] = Math.min(range[0], pitch);
    range[1] = Math.max(range[1], pitch);
  }

  get height() { return this.piece.tracks.length * this.laneHeight; }
  get tracks() { return this.piece.tracks.map((track) => track.number); }

  /** Top and height of a note. */
  note(track, pitch) {
    const [low, high] = this.ranges[track] ?? [54, 66];
    const inner = this.laneHeight - 8;
    const size = Math.max(2, Math.min(9, inner / (high - low + 1)));
    const part = (Math.min(high, Math.max(low, pitch)) - low) / Math.max(1, high - low);
    return [track * this.laneHeight + 4 + (1 - part) * (inner - size), size];
  }

  trackAt(y) { return Math.max(0, Math.min(this.piece.tracks.length - 1, Math.floor(y / this.laneHeight))); }

  /** Backgrounds of the rows: top, height, kind. */
  *rows() {
    for (let i = 0; i < this.piece.tracks.length; i++) yield [i * this.laneHeight, this.laneHeight, i % 2 ? 'roll-alt' : 'roll', true];
  }
}

/** One track: a row for each pitch, or for each drum. */
export class PitchLayout {
  constructor(piece, track, rowHeight, scale) {
    this.piece = piece;
    this.track = track;
    this.rowHeight = rowHeight;
    this.scale = scale;
    this.isDrum = piece.tracks[track]?.is_drum ?? false;
    if (this.isDrum) {
      const used = new Set([35, 36, 38, 39, 42, 44, 46, 49, 51, ...piece.rows[track].map((row) => piece.pitch[row])]);
      this.pitches = [...used].sort((a, b) => b - a);
      this.rowHeight = Math.max(rowHeight, 14);
    } else {
      this.pitches = Array.from({ length: 128 }, (_, i) => 127 - i);
    }
    this.place = new Map(this.pitches.map((pitch, i) => [pitch, i]));
  }

  get height() { return this.pitches.length * this.rowHeight; }
  get tracks() { return [this.track]; }

  note(_track, pitch) {
    const i = this.place.get(pitch);
    return i === undefined ? [-100, 0] : [i * this.rowHeight + 0.5, this.rowHeight - 1];
  }

  pitchAt(y) { return this.pitches[Math.max(0, Math.min(this.pitches.length - 1, Math.floor(y / this.rowHeight)))]; }

  trackAt() { return this.track; }

  *rows() {
    for (const [i, pitch] of this.pitches.entries()) {
      let kind = isBlack(pitch) && !this.isDrum ? 'roll-black' : i % 2 && this.isDrum ? 'roll-alt' : 'roll';
      if (this.scale?.has(pitch % 12) && !this.isDrum) kind = 'roll-scale';
      yield [i * this.rowHeight, this.rowHeight, kind, this.isDrum || pitch % 12 === 0];
    }
  }
}
