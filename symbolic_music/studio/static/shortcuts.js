/** Keys. Shortcuts are for the whole page; a control that was reached by Tab keeps the keys that work it. Returns a function that stops listening. */

/** @param {import('./workspace.js').Workspace} w */
export function listen(w) {
  const plain = {
    ' ': () => w.transport.toggle(),
    Home: () => w.transport.seek(0),
    l: () => w.transport.setLoop(!w.transport.loop),
    m: () => w.transport.click_.click(),
    p: () => w.tools.setTool(w.notes.tool === 'pencil' ? 'select' : 'pencil'),
    q: () => w.tools.quantise(),
    r: () => w.ask.run('rewrite'),
    v: () => w.ask.run('vary'),
    Enter: () => w.ask.run(),
    Delete: () => w.tools.do({ do: 'delete' }, 'delete notes'),
    Backspace: () => w.tools.do({ do: 'delete' }, 'delete notes'),
    Escape: () => (w.alternatives.isDrawing ? w.alternatives.cancel() : w.alternatives.number !== null ? w.alternatives.discard() : w.select(null)),
    ArrowUp: () => w.tools.transpose(1),
    ArrowDown: () => w.tools.transpose(-1),
    ArrowLeft: () => w.tools.do({ do: 'move', ticks: -Math.round(w.notes.grid * w.piece.timeline.quarter) }, 'earlier'),
    ArrowRight: () => w.tools.do({ do: 'move', ticks: Math.round(w.notes.grid * w.piece.timeline.quarter) }, 'later'),
    '+': () => w.lanes.zoom(1.25),
    '-': () => w.lanes.zoom(0.8),
    0: () => w.alternatives.number !== null && w.alternatives.play(null),
  };
  for (let i = 0; i < 8; i++) {
    plain[String(i + 1)] = () => { const card = w.alternatives.cards[i]; if (card) w.alternatives.play(card.number); };
  }
  const withControl = {
    z: (event) => w.go(event.shiftKey ? 'redo' : 'undo'),
    y: () => w.go('redo'),
    s: () => w.save(),
    d: () => w.tools.bars('copy-bars'),
    a: () => w.select({ first: 0, last: w.piece.timeline.bars.at(-1), tracks: w.piece.tracks.map((t) => t.number) }),
  };
  let isTabbed = false;
  const onPointer = () => { isTabbed = false; };
  // Chosen with the mouse: Space plays again, and arrows move notes.
  const onChoice = ({ target }) => { if (!isTabbed && target.matches('select, input[type="number"]')) target.blur(); };
  const onKey = (event) => {
    if (event.key === 'Tab') isTabbed = true;
    const target = event.target;
    if (target instanceof HTMLInputElement && target.type !== 'range' && target.type !== 'checkbox') return;
    if (target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return;
    if (belongs(target, event.key, isTabbed)) return;
    const isControl = event.ctrlKey || event.metaKey;
    const step = isControl && STEPS[event.key];
    const work = step ? () => selectBy(w, ...step, event.shiftKey) : isControl ? withControl[event.key.toLowerCase()] : event.altKey ? null : plain[event.key] ?? (event.shiftKey ? plain[event.key] : plain[event.key.toLowerCase()]);
    if (!work) return;
    event.preventDefault();
    if (event.repeat && w.changing) return; // a key that is held waits for what it did
    work(event);
  };
  document.addEventListener('keydown', onKey);
  document.addEventListener('change', onChoice);
  document.addEventListener('pointerdown', onPointer, true);
  return () => {
    document.removeEventListener('keydown', onKey);
    document.removeEventListener('change', onChoice);
    document.removeEventListener('pointerdown', onPointer, true);
  };
}

/** Bars and tracks that Ctrl and an arrow move the selection by. */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Whether a key works the control that has the focus. */
function belongs(target, key, isTabbed) {
  if (target.type === 'range') return /^(Arrow|Home|End|Page)/.test(key);
  if (!target.matches?.('button, summary, input[type="checkbox"]')) return false;
  return key === ' ' ? isTabbed : key === 'Enter' && target.type !== 'checkbox';
}

/** Move the selection by bars and tracks, or its far end alone; where there is none, take the cursor's bar. */
export function selectBy(w, bars, tracks, isEnd) {
  const { selection, piece, lanes } = w, { timeline } = piece;
  const bound = (n, most) => Math.max(0, Math.min(most, n));
  let [first, last, top, bottom] = Array(2).fill(timeline.barIndex(w.transport.cursor)).concat(w.focus, w.focus);
  if (selection) {
    [first, last] = [timeline.barIndex(selection.first), timeline.barIndex(selection.last - 1)].map((bar, i) => Math.max(0, isEnd && !i ? bar : bar + bars));
    [top, bottom] = [Math.min(...selection.tracks), Math.max(...selection.tracks)].map((n, i) => bound(isEnd && !i ? n : n + tracks, piece.tracks.length - 1));
  }
  [last, bottom] = [Math.max(first, last), Math.max(top, bottom)];
  w.select({ first: timeline.barTick(first), last: timeline.barTick(last + 1), tracks: Array.from({ length: bottom - top + 1 }, (_, i) => top + i) });
  if (!w.selection.tracks.includes(w.focus)) w.focusOn(top);
  const [left, right] = [w.selection.first, w.selection.last].map((tick) => lanes.x(tick));
  if (right > lanes.width || left < 0) lanes.scrollTo(w.selection.first * lanes.tickScale - 60, lanes.scrollY);
}
