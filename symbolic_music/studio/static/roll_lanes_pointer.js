/** What the pointer does in lanes: select bars × tracks, seek, open a chord, scroll, zoom. */

/** @param {import('./piano_roll.js').PianoRoll} roll */
export function attachLanes(roll) {
  const { canvas, options } = roll;
  let drag = null;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (!roll.piece || event.button === 2) return;
    const [x, y] = at(event);
    const tick = Math.max(0, roll.tick(x));
    if (event.button === 1) {
      drag = { kind: 'pan', x, y, scrollX: roll.scrollX, scrollY: roll.scrollY };
    } else if (y < 24) {
      drag = { kind: 'ruler', from: tick, moved: false, x };
    } else if (y < roll.top) {
      event.preventDefault(); // else the canvas takes the focus from the editor
      options.onChord?.(roll.timeline.place(snapChord(roll, tick)), event);
      return;
    } else {
      const track = roll.layout.trackAt(y - roll.top + roll.scrollY);
      const extends_ = event.shiftKey && roll.selection;
      drag = { kind: 'select', from: extends_ ? roll.selection.first : tick, track: extends_ ? roll.selection.tracks[0] : track, moved: false, x, y };
      if (extends_) select(event, x, y);
    }
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
    canvas.focus();
  });

  canvas.addEventListener('pointermove', (event) => {
    if (!drag) return;
    const [x, y] = at(event);
    if (drag.kind === 'pan') {
      roll.scrollTo(drag.scrollX - (x - drag.x), drag.scrollY - (y - drag.y));
      return;
    }
    if (Math.abs(x - drag.x) > 3 || Math.abs(y - (drag.y ?? y)) > 3) drag.moved = true;
    if (!drag.moved) return;
    if (x > roll.width - 24) roll.scrollTo(roll.scrollX + 14);
    if (x < 24) roll.scrollTo(roll.scrollX - 14);
    select(event, x, y);
  });

  canvas.addEventListener('pointerup', (event) => {
    if (!drag) return;
    const [x, y] = at(event), done = drag;
    drag = null;
    if (done.kind === 'pan') return;
    if (!done.moved) {
      if (done.kind === 'ruler') options.onSeek?.(roll.snap(roll.tick(x), event.altKey ? 'grid' : 'beat'));
      else if (!event.shiftKey) {
        options.onSelect?.(null, true);
        options.onFocus?.(roll.layout.trackAt(y - roll.top + roll.scrollY));
        options.onSeek?.(roll.snap(roll.tick(x), 'beat'));
      }
    } else options.onSelect?.(roll.selection, true);
  });

  canvas.addEventListener('wheel', (event) => {
    if (!roll.piece) return;
    event.preventDefault();
    const [x] = at(event);
    if (event.ctrlKey || event.metaKey) {
      if (event.shiftKey) options.onLaneHeight?.(event.deltaY < 0 ? 1.15 : 1 / 1.15);
      else roll.zoom(Math.exp(-event.deltaY / 400), x);
    } else if (event.shiftKey) roll.scrollTo(roll.scrollX + event.deltaY, roll.scrollY);
    else roll.scrollTo(roll.scrollX + event.deltaX, roll.scrollY + event.deltaY);
  }, { passive: false });

  /** Whole bars; with Alt, beats. */
  function select(event, x, y) {
    const unit = event.altKey ? 'beat' : 'bar';
    const timeline = roll.timeline;
    let [low, high] = [drag.from, Math.max(0, roll.tick(x))].sort((a, b) => a - b);
    low = roll.snap(low, unit);
    const end = roll.snap(high, unit);
    high = unit === 'bar' ? timeline.barTick(timeline.barIndex(end) + 1) : Math.round(end + timeline.beat(end));
    let tracks = roll.piece.tracks.map((track) => track.number);
    if (drag.kind === 'select') {
      const now = roll.layout.trackAt(y - roll.top + roll.scrollY);
      const [a, b] = [drag.track, now].sort((p, q) => p - q);
      tracks = tracks.filter((track) => track >= a && track <= b);
    }
    roll.setSelection({ first: low, last: high, tracks });
    options.onSelect?.(roll.selection, false);
  }
}

/** Chords begin on halves of bars. */
function snapChord(roll, tick) {
  const index = roll.timeline.barIndex(tick);
  const first = roll.timeline.barTick(index), next = roll.timeline.barTick(index + 1);
  return tick - first < (next - first) / 2 ? first : (first + next) / 2;
}
