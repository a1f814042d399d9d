/** A MIDI keyboard by Web MIDI: it sounds, and with the pencil on it writes at the cursor. */

/**
 * @typedef {{onNote: (handler: (pitch: number, velocity: number) => void) => (() => void)}} Keyboard
 */

/** Keyboards of the browser. @returns {Promise<Keyboard>} */
export async function browserKeyboard() {
  const access = await navigator.requestMIDIAccess();
  return {
    onNote(handler) {
      const hear = (event) => {
        const [status, pitch, velocity] = event.data;
        if ((status & 0xf0) === 0x90 && velocity) handler(pitch, velocity);
      };
      const attach = () => { for (const input of access.inputs.values()) input.onmidimessage = hear; };
      access.onstatechange = attach;
      attach();
      return () => { for (const input of access.inputs.values()) input.onmidimessage = null; };
    },
  };
}

/**
 * Listen to a keyboard, the browser's where it has one.
 * @param {import('./workspace.js').Workspace} w
 * @param {Keyboard} [keyboard]
 */
export function midiInput(w, keyboard) {
  let leave = null, gone = false;
  const begin = (found) => {
    if (gone) return;
    leave = found.onNote((pitch, velocity) => played(w, pitch, velocity));
  };
  if (keyboard) begin(keyboard);
  else if (navigator.requestMIDIAccess) browserKeyboard().then(begin).catch(() => { /* refused: there is the pencil */ });
  return () => { gone = true; leave?.(); };
}

let together = 0;

/** A key was struck: hear it; with the pencil on, write it at the cursor, which moves on by the grid. */
export function played(w, pitch, velocity) {
  w.hear(w.focus, pitch, velocity);
  if (w.notes.tool !== 'pencil') return;
  const step = Math.round(w.notes.grid * w.piece.timeline.quarter);
  // Keys struck within 60 ms are a chord: they begin together.
  const isChord = performance.now() - together < 60;
  together = performance.now();
  const onset = w.notes.snap(w.transport.cursor) - (isChord ? step : 0);
  w.transport.seek(onset + step);
  w.change([{ do: 'add', notes: [{ onset: Math.max(0, onset), duration: step, pitch, velocity, track: w.focus }] }], 'play notes');
}
