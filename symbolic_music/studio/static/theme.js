/** Light and dark, and the colours that the canvas draws with. */

const HUES = [28, 196, 88, 318, 48, 262, 158, 4, 224, 116, 286, 72, 340, 178, 242, 14];
let known = null;
let root = document.documentElement;

/** Colours of the present theme. */
export function colours() {
  if (known) return known;
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  known = { light: read('note-light'), chroma: read('note-chroma'), font: read('font') };
  for (const name of ['ground', 'panel', 'raised', 'line', 'ink', 'soft', 'faint', 'accent', 'roll', 'roll-alt', 'roll-black',
    'roll-scale', 'grid-bar', 'grid-beat', 'grid-fine', 'select', 'select-edge', 'cursor', 'ghost', 'good', 'bad']) {
    known[name] = read(name);
  }
  return known;
}

/** Colour of a track, as strong as a velocity says (0 to 1). */
export function noteColour(track, strength = 1) {
  const { light, chroma } = colours();
  const alpha = 0.42 + 0.58 * Math.min(1, Math.max(0, strength));
  return `hsl(${HUES[track % HUES.length]} ${chroma} ${light} / ${alpha.toFixed(2)})`;
}

/** @type {Set<() => void>} */
const listeners = new Set();

/** Call back when the theme changes. */
export const onTheme = (listener) => listeners.add(listener);

/** Set "light" or "dark". */
export function setTheme(name) {
  root.dataset.theme = name;
  try { localStorage.setItem('studio-theme', name); } catch { /* private windows have none */ }
  known = null;
  for (const listener of listeners) listener();
}

/** Use an element's colours, not the page's: in a notebook. */
export function setThemeOf(element, name) {
  root = element;
  root.dataset.theme = name;
  known = null;
}

export const theme = () => root.dataset.theme;

/** What was chosen last, else what the system prefers. */
export function beginTheme() {
  let stored = null;
  try { stored = localStorage.getItem('studio-theme'); } catch { /* none */ }
  setTheme(stored ?? (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark'));
}
