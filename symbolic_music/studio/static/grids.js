/** The grids that the page offers. */

/** Lengths of notes and gaps that a musician knows, in quarters. */
export const GRIDS = [
  ['1/4', 1], ['1/8', 0.5], ['1/8 triplet', 1 / 3], ['1/16', 0.25], ['1/16 triplet', 1 / 6], ['1/32', 0.125],
];
