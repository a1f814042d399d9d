/** A piece as typed columns, and the notes of each track in order. */

import { Timeline } from './timeline.js';

export class Piece {
  /** @param {any} facts as the server describes a score */
  constructor(facts) {
    this.facts = facts;
    this.timeline = new Timeline(facts);
    this.end = facts.end;
    this.tracks = facts.tracks;
    this.key = facts.key;
    const notes = facts.notes;
    this.count = notes.onset.length;
    this.onset = Int32Array.from(notes.onset);
    this.duration = Int32Array.from(notes.duration);
    this.pitch = Uint8Array.from(notes.pitch);
    this.velocity = Uint8Array.from(notes.velocity);
    this.track = Uint16Array.from(notes.track);
    /** Rows of each track, by onset. @type {number[][]} */
    this.rows = this.tracks.map(() => []);
    this.longest = this.tracks.map(() => 0);
    for (let row = 0; row < this.count; row++) {
      const track = this.track[row];
      this.rows[track].push(row);
      if (this.duration[row] > this.longest[track]) this.longest[track] = this.duration[row];
    }
  }

  /** Rows of a track that sound in [first, last) ticks. */
  *sounding(track, first, last) {
    const rows = this.rows[track];
    if (!rows) return;
    let low = 0, high = rows.length;
    const from = first - this.longest[track];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.onset[rows[middle]] < from) low = middle + 1; else high = middle;
    }
    for (let i = low; i < rows.length; i++) {
      const row = rows[i];
      if (this.onset[row] >= last) return;
      if (this.onset[row] + this.duration[row] > first) yield row;
    }
  }

  /** Rows of some tracks that begin in [first, last) ticks. */
  beginning(tracks, first, last) {
    const found = [];
    for (const track of tracks) {
      for (const row of this.sounding(track, first, last)) if (this.onset[row] >= first) found.push(row);
    }
    return found;
  }

  /** Lowest and highest pitch of a track, at least an octave apart; null without notes. */
  range(track) {
    const { lowest, highest } = this.tracks[track];
    return lowest === null ? null : [lowest, highest];
  }
}

const LETTERS = ['C', 'C♯', 'D', 'E♭', 'E', 'F', 'F♯', 'G', 'A♭', 'A', 'B♭', 'B'];

/** "C4" for 60. */
export const pitchName = (pitch) => `${LETTERS[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

const SCALES = { major: [0, 2, 4, 5, 7, 9, 11], minor: [0, 2, 3, 5, 7, 8, 10] };
const ROOTS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/** Pitch classes of "D minor" and the like; null for a scale that is none of the two. */
export function scaleClasses(name) {
  const found = /^([A-G])([#b]?) (major|minor)$/.exec(name ?? '');
  if (!found) return null;
  const root = ROOTS[found[1]] + (found[2] === '#' ? 1 : found[2] === 'b' ? 11 : 0);
  return new Set(SCALES[found[3]].map((step) => (root + step) % 12));
}
