/** What the pointer does in a roll of notes: choose, draw, move, stretch, velocities, and limits on the keyboard. */

const EDGE = 6;

/** @param {import('./piano_roll.js').PianoRoll} roll */
export function attachNotes(roll) {
  const { canvas, options } = roll;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  /** Row of the note under the pointer, or -1. */
  const hit = (x, y) => {
    const tick = roll.tick(x), pitch = roll.layout.pitchAt(y - roll.top + roll.scrollY);
    let found = -1;
    for (const row of roll.piece.sounding(roll.track, tick - 1, tick + 1)) {
      if (roll.piece.pitch[row] === pitch && roll.piece.onset[row] <= tick) found = row;
    }
    return found;
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (!roll.piece || event.button !== 0) return;
    const [x, y] = at(event);
    canvas.setPointerCapture(event.pointerId);
    canvas.focus();
    event.preventDefault();
    if (y < roll.top) { options.onSeek?.(roll.snap(Math.max(0, roll.tick(x)), 'beat')); return; }
    if (y > roll.height - roll.bottom) { roll.drag = { kind: 'velocity', by: 0, y, rows: velocityRows(x) }; return; }
    const pitch = roll.layout.pitchAt(y - roll.top + roll.scrollY);
    if (x < roll.gutter) { roll.drag = { kind: 'range', from: pitch }; options.onHear?.(roll.track, pitch, 96); return; }
    const row = hit(x, y);
    if (row >= 0) {
      if (!roll.chosen.has(row)) roll.chosen = event.shiftKey ? new Set([...roll.chosen, row]) : new Set([row]);
      const isEnd = roll.x(roll.piece.onset[row] + roll.piece.duration[row]) - x < EDGE;
      roll.drag = { kind: 'move', isEnd, x, pitch, row, by: [0, 0, 0] };
      options.onHear?.(roll.track, roll.piece.pitch[row], roll.piece.velocity[row]);
      options.onChosen?.(roll.chosen);
    } else if (roll.tool === 'pencil') {
      const onset = roll.snap(roll.tick(x));
      const note = { track: roll.track, onset, duration: Math.round(roll.grid * roll.timeline.quarter), pitch, velocity: 90 };
      roll.drag = { kind: 'draw', note };
      options.onHear?.(roll.track, pitch, 90);
    } else {
      roll.drag = { kind: 'marquee', x0: x, y0: y, x1: x, y1: y, add: event.shiftKey ? new Set(roll.chosen) : new Set() };
    }
    roll.draw();
  });

  canvas.addEventListener('pointermove', (event) => {
    const [x, y] = at(event), drag = roll.drag;
    if (!roll.piece) return;
    if (!drag) {
      const row = y > roll.top && y < roll.height - roll.bottom && x > roll.gutter ? hit(x, y) : -1;
      const isEnd = row >= 0 && roll.x(roll.piece.onset[row] + roll.piece.duration[row]) - x < EDGE;
      canvas.style.cursor = isEnd ? 'ew-resize' : row >= 0 ? 'move' : roll.tool === 'pencil' ? 'crosshair' : 'default';
      return;
    }
    const quarter = roll.timeline.quarter, step = event.altKey ? 1 : Math.max(1, Math.round(roll.grid * quarter));
    if (drag.kind === 'move') {
      const ticks = Math.round((x - drag.x) / roll.tickScale / step) * step;
      const before = drag.by.join();
      if (drag.isEnd) drag.by = [0, 0, ticks];
      else drag.by = [ticks, roll.layout.pitchAt(y - roll.top + roll.scrollY) - drag.pitch, 0];
      if (drag.by.join() !== before && drag.by[1] !== Number(before.split(',')[1])) options.onHear?.(roll.track, roll.piece.pitch[drag.row] + drag.by[1], roll.piece.velocity[drag.row]);
    } else if (drag.kind === 'draw') {
      const end = roll.snap(Math.max(drag.note.onset, roll.tick(x))) + step;
      drag.note.duration = Math.max(step, end - drag.note.onset);
    } else if (drag.kind === 'marquee') {
      Object.assign(drag, { x1: x, y1: y });
      roll.chosen = new Set([...drag.add, ...within(drag)]);
      options.onChosen?.(roll.chosen);
    } else if (drag.kind === 'velocity') {
      drag.by = Math.round(((drag.y - y) / (roll.bottom - 8)) * 127);
    } else if (drag.kind === 'range') {
      const pitch = roll.layout.pitchAt(y - roll.top + roll.scrollY);
      if (pitch !== drag.from) options.onRange?.([Math.min(pitch, drag.from), Math.max(pitch, drag.from)]);
    }
    roll.draw();
  });

  canvas.addEventListener('pointerup', () => {
    const drag = roll.drag;
    roll.drag = null;
    if (!drag) return;
    const rows = [...roll.chosen];
    if (drag.kind === 'move') {
      const [ticks, semitones, longer] = drag.by;
      if (longer) options.onChange?.([{ do: 'stretch', rows, ticks: longer }]);
      else if (ticks || semitones) options.onChange?.([{ do: 'move', rows, ticks, semitones }]);
    } else if (drag.kind === 'draw') {
      options.onChange?.([{ do: 'add', notes: [drag.note] }]);
    } else if (drag.kind === 'velocity' && drag.by && drag.rows.length) {
      options.onChange?.([{ do: 'velocity', rows: drag.rows, add: drag.by }]);
    } else if (drag.kind === 'marquee' && !drag.add.size && Math.abs(drag.x1 - drag.x0) < 3) {
      roll.chosen = new Set();
      options.onChosen?.(roll.chosen);
    }
    roll.draw();
  });

  canvas.addEventListener('dblclick', (event) => {
    const [x, y] = at(event);
    const row = x > roll.gutter && y > roll.top && y < roll.height - roll.bottom ? hit(x, y) : -1;
    if (row >= 0) options.onChange?.([{ do: 'delete', rows: [row] }]);
  });

  canvas.addEventListener('wheel', (event) => {
    if (!roll.piece) return;
    event.preventDefault();
    const [x] = at(event);
    if (event.ctrlKey || event.metaKey) {
      if (event.shiftKey) { roll.rowHeight = Math.max(5, Math.min(24, roll.rowHeight * (event.deltaY < 0 ? 1.15 : 1 / 1.15))); roll.relayout(); }
      else roll.zoom(Math.exp(-event.deltaY / 400), x);
    } else if (event.shiftKey) roll.scrollTo(roll.scrollX + event.deltaY, roll.scrollY);
    else roll.scrollTo(roll.scrollX + event.deltaX, roll.scrollY + event.deltaY);
  }, { passive: false });

  /** Notes whose stems stand near a place: those that are chosen, if one of them does. */
  function velocityRows(x) {
    const near = [];
    for (const row of roll.piece.sounding(roll.track, roll.tick(x - 5), roll.tick(x + 5))) {
      if (Math.abs(roll.x(roll.piece.onset[row]) - x) < 5) near.push(row);
    }
    return near.some((row) => roll.chosen.has(row)) ? [...roll.chosen] : near;
  }

  function within({ x0, y0, x1, y1 }) {
    const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
    const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)].map((y) => y - roll.top + roll.scrollY);
    const found = [];
    for (const row of roll.piece.sounding(roll.track, roll.tick(left), roll.tick(right))) {
      const [own, height] = roll.layout.note(roll.track, roll.piece.pitch[row]);
      if (own + height > top && own < bottom) found.push(row);
    }
    return found;
  }
}
