/** Files to save the piece as. */

import { el, fill, say } from './dom.js';

const KINDS = [
  ['mid', 'MIDI', 'the file as it was, with your changes in it'],
  ['musicxml', 'MusicXML', 'for notation programs'],
  ['wav', 'WAV', 'the sound, 44.1 kHz'],
  ['flac', 'FLAC', 'the same, smaller'],
  ['stems.zip', 'Stems', 'a WAV a track'],
  ['png', 'Picture', 'a piano roll as PNG'],
];

/** @param {import('./workspace.js').Workspace} workspace */
export function saveMenu(workspace) {
  const list = el('div', { class: 'menu', hidden: true });
  const close = () => { list.hidden = true; };
  const save = async (kind, name) => {
    close();
    say(`Making ${name} …`, false, true);
    await workspace.attempt(async () => {
      const response = await fetch(workspace.server.file(kind, { state: workspace.session.current, synth: workspace.transport.synth }));
      if (!response.ok) throw new Error((await response.json()).error);
      const link = el('a', { href: URL.createObjectURL(await response.blob()), download: filename(workspace.session.source, kind) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      say(`${name} is saved.`);
    });
  };
  fill(list, KINDS.map(([kind, name, words]) => el('button', { class: 'plain', dataset: { kind }, onclick: () => save(kind, name) }, el('span', {}, name), el('span', { class: 'soft' }, words))));
  const button = el('button', { class: 'save', title: 'Save (Ctrl S)', onclick: (event) => { event.stopPropagation(); list.hidden = !list.hidden; } }, 'Save ▾');
  document.addEventListener('click', close);
  const box = el('div', { class: 'with-menu', onkeydown: (event) => { if (event.key === 'Escape' && !list.hidden) { event.stopPropagation(); close(); button.focus(); } } }, button, list);
  workspace.save = () => save('mid', 'MIDI');
  return box;
}

function filename(source, kind) {
  const stem = source.replace(/\.[^.]{1,9}$/, '').replace(/[^\p{L}\p{N} _.-]+/gu, '_').slice(0, 80) || 'piece';
  return `${stem}.${kind}`;
}
