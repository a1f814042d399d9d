/** Notes stay chosen when they are moved: they are found again in the piece that comes back. */

/** Where chosen notes are after changes; null where a change does not say. */
export function chosenAfter(piece, chosen, changes) {
  const [change] = changes;
  if (!chosen.size || changes.length > 1 || !['transpose', 'move', 'stretch', 'velocity'].includes(change.do)) return null;
  const moved = new Set(change.rows), places = new Set();
  for (const row of chosen) {
    const isMoved = moved.has(row), track = piece.track[row];
    const semitones = isMoved && !(change.do === 'transpose' && piece.tracks[track].is_drum) ? change.semitones ?? 0 : 0;
    const ticks = isMoved && change.do === 'move' ? change.ticks ?? 0 : 0;
    places.add(place(track, piece.onset[row] + ticks, piece.pitch[row] + semitones));
  }
  return places;
}

/** Rows of a piece at such places. */
export function rowsAt(piece, track, places) {
  return piece.rows[track]?.filter((row) => places.has(place(track, piece.onset[row], piece.pitch[row]))) ?? [];
}

const place = (track, onset, pitch) => `${track}/${onset}/${pitch}`;
