/** Write a chord into the lane. */

import { el } from './dom.js';

const KINDS = ['', 'm', '7', 'm7', 'maj7', 'dim', 'm7b5', 'sus4', 'sus2', 'aug', '6', '9'];
const ROOTS = ['C', 'C#', 'Db', 'D', 'Eb', 'E', 'F', 'F#', 'Gb', 'G', 'Ab', 'A', 'Bb', 'B'];

/** A small window at the pointer. @param {import('./workspace.js').Workspace} w */
export function editChord(w, place, event) {
  document.querySelector('.chord-editor')?.remove();
  const rounded = Math.round(place * 2) / 2;
  const at = [...w.chords].reverse().find(([bar]) => bar <= rounded + 1e-6);
  const begins = at?.[0] === rounded;
  const name = el('input', { type: 'text', value: at?.[1] ?? '', maxLength: 12, list: 'chord-names', title: 'C, F#m, Bb7, … or - for none' });
  const names = el('datalist', { id: 'chord-names' }, ROOTS.flatMap((root) => KINDS.map((kind) => el('option', { value: root + kind }))));
  const close = () => box.remove();
  const store = async (chords) => {
    close();
    await w.attempt(async () => w.refresh(await w.server.chords(chords), true));
  };
  const without = () => w.chords.filter(([bar]) => bar !== rounded);
  const write = () => store([...without(), [rounded, name.value.trim() || '-']].sort((a, b) => a[0] - b[0]));
  const box = el('div', { class: 'chord-editor', style: `left:${Math.min(event.clientX, innerWidth - 290)}px;top:${event.clientY + 14}px` },
    el('strong', {}, `Bar ${rounded % 1 ? `${Math.floor(rounded)}, second half` : rounded}`), name, names,
    el('div', { class: 'row' },
      el('button', { class: 'primary', onclick: write }, 'Write'),
      begins ? el('button', { onclick: () => store(without()) }, 'Remove') : null,
      w.session.chords ? el('button', { title: 'Estimate all chords from the notes again', onclick: () => store(null) }, 'Estimate all') : null,
      el('button', { onclick: close }, 'Close')));
  name.addEventListener('keydown', (key) => { key.stopPropagation(); if (key.key === 'Enter') write(); if (key.key === 'Escape') close(); });
  document.body.append(box);
  name.focus();
  name.select();
}
