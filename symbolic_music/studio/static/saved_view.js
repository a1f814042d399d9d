/** What the page remembers of a session besides its notes: mix, track, zoom, selection. It stands as it was left. */

const WAIT_MS = 500;

/** Take over what was remembered. @param {import('./workspace.js').Workspace} w */
export function restoreView(w) {
  const { view } = w.session, { headers, lanes, piece } = w;
  const isTrack = (n) => Number.isInteger(n) && n >= 0 && n < piece.tracks.length;
  for (const name of ['muted', 'soloed']) headers[name] = new Set((view[name] ?? []).filter(isTrack));
  headers.factors = new Map((view.factors ?? []).filter(([n]) => isTrack(n)));
  if (view.perQuarter > 0) {
    lanes.perQuarter = view.perQuarter;
    lanes.scrollTo(view.scrollX ?? 0, view.scrollY ?? 0);
  }
  const { selection } = view;
  if (selection && selection.tracks.length && selection.tracks.every(isTrack)) w.select(selection);
}

/** Have it written a little later, so that scrolling does not write at every step. */
export function rememberView(w) {
  clearTimeout(w.remembering);
  w.remembering = setTimeout(() => {
    const { headers, lanes, focus, selection, ask } = w;
    const view = {
      focus, selection, model: ask.model, perQuarter: lanes.perQuarter, scrollX: lanes.scrollX, scrollY: lanes.scrollY,
      muted: [...headers.muted], soloed: [...headers.soloed], factors: [...headers.factors],
    };
    if (JSON.stringify(view) === JSON.stringify(w.session.view)) return;
    w.session.view = view;
    // A view that cannot be stored is no fault of the music: the next one is tried again.
    w.server.view(view).catch(() => {});
  }, WAIT_MS);
}
