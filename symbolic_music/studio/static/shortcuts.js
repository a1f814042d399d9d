/** Keys. Returns a function that stops listening. */

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
  const onKey = (event) => {
    const target = event.target;
    if (target instanceof HTMLInputElement && target.type !== 'range' && target.type !== 'checkbox') return;
    if (target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return;
    if (target instanceof HTMLButtonElement && event.key === 'Enter') return;
    const isControl = event.ctrlKey || event.metaKey;
    const work = isControl ? withControl[event.key.toLowerCase()] : event.altKey ? null : plain[event.key] ?? (event.shiftKey ? plain[event.key] : plain[event.key.toLowerCase()]);
    if (!work) return;
    event.preventDefault();
    work(event);
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}
