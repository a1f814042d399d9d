/** The roll in a notebook: lanes above, notes of a track below, a few buttons. */

import { append, el, fill } from './dom.js';
import { PianoRoll } from './piano_roll.js';
import { Piece, scaleClasses } from './piece.js';
import { setThemeOf } from './theme.js';

/** What anywidget calls. */
function render({ model, el: host }) {
  const root = el('div', { class: 'sm-roll' });
  root.style.height = `${model.get('height')}px`;
  host.append(root);
  setThemeOf(root, matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark');
  const lanesHost = el('div', { class: 'lanes' }), notesHost = el('div', { class: 'notes' });
  const said = el('span', { class: 'said' }), choices = el('span', {});
  const button = (name, work) => el('button', { onclick: work }, name);
  const ask = (verb) => () => model.send({ kind: 'ask', verb, alternatives: 3 });
  append(root, el('div', { class: 'line' }, button('Rewrite', ask('rewrite')), button('Vary', ask('vary')), button('Continue', ask('continue')),
    button('Undo', () => model.send({ kind: 'undo' })), choices, said), lanesHost, notesHost);

  let drawn = [];
  const show = (number) => {
    lanes.live = drawn.filter((note) => note.alternative === number);
    lanes.replaced = number === null ? null : model.get('selection');
    lanes.version++;
    lanes.draw();
  };
  const lanes = new PianoRoll(lanesHost, {
    mode: 'lanes',
    onSelect: (selection, isDone) => { lanes.setSelection(selection); if (isDone) { model.set('selection', selection); model.save_changes(); } },
    onFocus: (track) => notes.setTrack(track),
  });
  const notes = new PianoRoll(notesHost, { mode: 'notes', onChange: (changes) => model.send({ kind: 'change', changes }) });
  const put = () => {
    const piece = new Piece(model.get('piece'));
    for (const roll of [lanes, notes]) {
      Object.assign(roll, { live: [], replaced: null, chords: piece.facts.chords, scale: scaleClasses(piece.key) });
      roll.setPiece(piece);
    }
    lanes.laneHeight = Math.max(28, Math.min(90, Math.floor(lanes.bodyHeight / piece.tracks.length)));
    lanes.relayout();
    fill(choices);
    drawn = [];
  };
  const heard = (message) => {
    if (message.kind === 'begin') { drawn = []; said.textContent = 'drawing …'; show(0); }
    if (message.kind === 'note') { drawn.push(message); if (message.alternative === 0) { lanes.live.push(message); lanes.draw(); } }
    if (message.kind === 'error') said.textContent = message.message;
    if (message.kind === 'done') {
      said.textContent = '';
      fill(choices, message.order.map((number) => el('span', { class: 'pair' }, button('ABCDEFGH'[number], () => show(number)), button('keep', () => model.send({ kind: 'keep', alternative: number })))));
      show(message.order[0] ?? null);
    }
  };
  model.on('change:piece', put);
  model.on('msg:custom', heard);
  put();
  return () => { model.off('change:piece', put); model.off('msg:custom', heard); lanes.remove(); notes.remove(); };
}

export default { render };
