/** One session on the page: it holds what is open, selected and heard, and ties the parts together. */

import { api, sessionApi, noteAddress } from './api.js';
import { Alternatives } from './alternatives.js';
import { AskPanel } from './edit_panel.js';
import { Basics } from './basics.js';
import { editChord } from './chord_editor.js';
import { chosenAfter, rowsAt } from './note_selection.js';
import { el, fill, say } from './dom.js';
import { History } from './history.js';
import { icon } from './icons.js';
import { midiInput } from './midi_in.js';
import { TrackHeaders } from './mixer.js';
import { NoteTools } from './note_tools.js';
import { PianoRoll } from './piano_roll.js';
import { Piece, scaleClasses } from './piece.js';
import { saveMenu } from './save_menu.js';
import { listen } from './shortcuts.js';
import { Sound } from './sound.js';
import { setTheme, theme } from './theme.js';
import { Transport } from './transport.js';
import { rememberView, restoreView } from './saved_view.js';

export class Workspace {
  constructor(id, home) {
    this.server = sessionApi(id);
    this.home = home;
    this.sound = new Sound();
    this.session = null;
    this.piece = null;
    this.selection = null;
    this.focus = 0;
    this.range = null;
    this.left = [];
    this.turn = Promise.resolve();
    this.changing = 0;
  }

  async begin() {
    [this.session, this.models] = await Promise.all([this.server.facts(), api.models()]);
    this.piece = new Piece(await this.server.score());
    this.transport = new Transport(this);
    this.headers = new TrackHeaders(this);
    this.ask = new AskPanel(this);
    this.alternatives = new Alternatives(this);
    this.history = new History(this);
    this.basics = new Basics(this);
    this.build();
    this.lanes = new PianoRoll(this.lanesHost, {
      mode: 'lanes',
      onSelect: (selection, isDone) => { this.select(selection); if (isDone && selection && !selection.tracks.includes(this.focus)) this.focusOn(selection.tracks[0]); },
      onSeek: (tick) => this.transport.seek(tick),
      onFocus: (track) => this.focusOn(track),
      onChord: (place, event) => editChord(this, place, event),
      onView: () => this.scrollTogether('lanes'),
      onLaneHeight: (factor) => { this.lanes.laneHeight = Math.max(26, Math.min(160, this.lanes.laneHeight * factor)); this.lanes.relayout(); this.headers.place(); },
    });
    this.notes = new PianoRoll(this.notesHost, {
      mode: 'notes',
      onSeek: (tick) => this.transport.seek(tick),
      onChange: (changes) => this.change(changes),
      onHear: (track, pitch, velocity) => this.hear(track, pitch, velocity),
      onChosen: () => this.tools.update(),
      onRange: (range) => { this.ask.setRange(range); },
      onView: () => this.scrollTogether('notes'),
    });
    this.tools.attach(this.notes);
    this.show(this.piece);
    this.fitLanes();
    const { view } = this.session;
    this.focusOn(view.focus ?? this.firstPitched());
    restoreView(this);
    this.isReady = true;
    this.left.push(listen(this), midiInput(this));
    const edit = this.session.edits[0];
    if (edit && edit.wish.state === this.session.current && ['done', 'cancelled'].includes(edit.status) && edit.alternatives.length) {
      await this.alternatives.reopen(edit);
    } else if (edit?.status === 'interrupted') {
      say('The server ended while a wish was being drawn; the piece is as it was before. Ask again.', false, true);
    }
  }

  /** Stop sound and listeners. */
  leave() {
    this.isReady = false; // a session that could not be opened has not all of these
    this.sound.stop();
    for (const leave of this.left) leave?.();
    this.alternatives?.close();
    this.lanes?.remove();
    this.notes?.remove();
  }

  build() {
    this.lanesHost = el('div', { class: 'lanes-roll' });
    this.notesHost = el('div', { class: 'notes-roll' });
    this.tools = new NoteTools(this);
    this.tabs = {
      basics: [el('button', { class: 'tab', title: 'The controls that matter first', onclick: () => this.tab('basics') }, 'Basics'), this.basics.node],
      notes: [el('button', { class: 'tab', onclick: () => this.tab('notes') }, 'Notes'), el('div', { class: 'pane' }, this.tools.node, this.notesHost)],
      alternatives: [el('button', { class: 'tab', onclick: () => this.tab('alternatives') }, 'Alternatives'), this.alternatives.node],
      history: [el('button', { class: 'tab', onclick: () => this.tab('history') }, 'History'), this.history.node],
    };
    this.split = el('div', { class: 'split', onpointerdown: (event) => this.resizeDock(event), title: 'Drag to resize' });
    this.dock = el('section', { class: 'dock' }, el('nav', {}, Object.values(this.tabs).map(([button]) => button)), Object.values(this.tabs).map(([, pane]) => pane));
    this.title = el('span', { class: 'title' });
    fill(document.body, el('div', { class: 'studio' },
      el('header', { class: 'bar' },
        el('button', { class: 'plain home', title: 'Other pieces', onclick: () => this.home() }, el('img', { src: 'icon.svg', alt: 'start page', width: 24, height: 24 })),
        this.title, this.transport.node, el('span', { class: 'grow' }),
        el('button', { class: 'undo', title: 'Undo (Ctrl Z)', onclick: () => this.go('undo') }, icon('undo')),
        el('button', { class: 'redo', title: 'Redo (Ctrl Shift Z)', onclick: () => this.go('redo') }, icon('redo')),
        saveMenu(this),
        el('button', { title: 'Light or dark', onclick: () => setTheme(theme() === 'light' ? 'dark' : 'light') }, icon('theme'))),
      el('div', { class: 'middle' }, this.headers.node, this.lanesHost, this.ask.node),
      this.split, this.dock));
    this.tab('notes');
  }

  /** Show a pane of the dock. */
  tab(name) {
    for (const [own, [button, pane]] of Object.entries(this.tabs)) {
      button.classList.toggle('on', own === name);
      pane.hidden = own !== name;
    }
    this.shownTab = name;
  }

  resizeDock(event) {
    const begin = event.clientY, height = this.dock.clientHeight;
    this.split.setPointerCapture(event.pointerId);
    const move = (moved) => { this.dock.style.height = `${Math.max(120, Math.min(innerHeight - 260, height - (moved.clientY - begin)))}px`; };
    this.split.addEventListener('pointermove', move);
    this.split.addEventListener('pointerup', () => this.split.removeEventListener('pointermove', move), { once: true });
  }

  /** Few tracks get higher lanes. */
  fitLanes() {
    const { lanes } = this;
    lanes.laneHeight = Math.max(48, Math.min(124, Math.floor(lanes.bodyHeight / this.piece.tracks.length)));
    lanes.relayout();
    this.headers.place();
  }

  firstPitched() { return Math.max(0, this.piece.tracks.findIndex((track) => !track.is_drum && track.notes)); }

  /** Show a piece everywhere. */
  show(piece) {
    this.piece = piece;
    const own = this.session.chords;
    for (const roll of [this.lanes, this.notes]) {
      roll.live = [];
      roll.replaced = null;
      roll.chords = own ?? piece.facts.chords;
      roll.hasOwnChords = own !== null;
      roll.scale = scaleClasses(piece.key);
      roll.setPiece(piece);
    }
    if (this.selection) {
      const tracks = this.selection.tracks.filter((track) => track < piece.tracks.length);
      this.select(tracks.length ? { ...this.selection, tracks } : null);
    }
    if (this.focus >= piece.tracks.length) this.focusOn(0);
    this.title.textContent = this.session.name;
    this.title.title = this.session.name;
    document.title = `${this.session.name} – studio`;
    this.headers.update();
    this.transport.update();
    this.ask.update();
    this.history.update();
    this.basics.update();
    this.tools.update();
    const state = this.session.states.find((one) => one.number === this.session.current);
    document.querySelector('button.undo').disabled = !state?.parent;
    document.querySelector('button.redo').disabled = !this.session.states.some((one) => one.parent === this.session.current);
  }

  /** Take over what the server says of the session, and fetch the piece if another state is current. */
  async refresh(session, isSame = false) {
    const isOther = !isSame || this.session.current !== session.current;
    const piece = isOther ? new Piece(await this.server.score(session.current)) : this.piece;
    // Both at once: nothing may see the new state with the old notes.
    this.session = { ...this.session, ...session };
    this.show(piece);
    this.transport.restartIfPlaying();
  }

  async attempt(work) {
    try {
      return await work();
    } catch (error) {
      say(error.message, true);
      return null;
    }
  }

  /**
   * Change notes by hand; one step of undo. Changes wait for each other: each is made to the piece that the last one left.
   * @param {object[]|(() => object[]|null)} wanted changes, or what gives them when it is their turn
   */
  change(wanted, label = '') {
    this.changing++;
    this.turn = this.turn.then(() => this.attempt(async () => {
      const changes = typeof wanted === 'function' ? wanted() : wanted;
      if (!changes) return;
      const places = chosenAfter(this.piece, this.notes.chosen, changes);
      await this.refresh(await this.server.change(this.session.current, changes, label));
      if (places) { this.notes.chosen = new Set(rowsAt(this.piece, this.focus, places)); this.notes.draw(); }
    })).finally(() => { this.changing--; });
    return this.turn;
  }

  go(to) {
    this.alternatives.close();
    return this.attempt(async () => this.refresh(await this.server.go(to)));
  }

  select(selection) {
    this.selection = selection;
    this.lanes.setSelection(selection);
    this.notes.setSelection(selection);
    this.ask.update();
    this.headers.update();
    this.basics.update();
    this.remember();
  }

  /** Let the session remember what is seen and how it is mixed. */
  remember() { if (this.isReady) rememberView(this); }

  focusOn(track) {
    this.focus = Math.max(0, Math.min(track, this.piece.tracks.length - 1));
    this.notes.setTrack(this.focus);
    this.headers.update();
    this.tools.update();
    this.ask.update();
    this.remember();
  }

  /** The rolls show the same stretch. */
  scrollTogether(which) {
    const [from, to] = which === 'lanes' ? [this.lanes, this.notes] : [this.notes, this.lanes];
    this.headers.place();
    if (!from?.piece || !to?.piece || this.following) return;
    this.following = true;
    to.perQuarter = from.perQuarter;
    to.scrollTo(from.scrollX);
    this.following = false;
    this.remember();
  }

  /** Sound a note of a track. */
  hear(track, pitch, velocity, when = 0, seconds = 0.4) {
    const { instrument } = this.piece.tracks[track] ?? { instrument: 0 };
    const address = noteAddress({ instrument, pitch, velocity: Math.max(1, Math.round(velocity / 16) * 16 - 1), seconds: Math.max(0.1, Math.min(2, seconds)).toFixed(1) });
    return this.attempt(() => this.sound.note(address, when));
  }

  /** Chords as limits take them: those of the lane. */
  get chords() { return this.session.chords ?? this.piece.facts.chords; }
}
