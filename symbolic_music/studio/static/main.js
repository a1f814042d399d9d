/** Where the page begins: the start page, or the session that the address names. */

import { api, wantedSession } from './api.js';
import { fill, say } from './dom.js';
import { startPage } from './start.js';
import { beginTheme } from './theme.js';
import { Workspace } from './workspace.js';

/** Open a session in this page; false where it cannot be opened. */
async function open(id) {
  const here = new URL(location.href);
  here.searchParams.set('session', id);
  history.replaceState(null, '', here);
  const workspace = new Workspace(id, home);
  window.studio = workspace; // for tests and for the curious
  try {
    await workspace.begin();
    return true;
  } catch (error) {
    await home();
    say(error.message, true);
    return false;
  }
}

/** The start page. */
async function home() {
  window.studio?.leave?.();
  window.studio = null;
  const here = new URL(location.href);
  here.searchParams.delete('session');
  history.replaceState(null, '', here);
  fill(document.body, await startPage({ open, api }));
}

/** A file that is dropped anywhere on the page opens; of several, the first. The piece that was open is kept. */
async function takeDropped(event) {
  event.preventDefault();
  const [file, ...others] = event.dataTransfer?.files ?? [];
  if (!file) return;
  say(`Opening ${file.name} …`, false, true);
  try {
    const { id } = await api.open(file, file.name);
    window.studio?.leave();
    if (await open(id)) say(others.length ? `${file.name} is open; drop one file at a time.` : `${file.name} is open.`);
  } catch (error) {
    say(error.message, true);
  }
}

document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', takeDropped);
beginTheme();
if (wantedSession) await open(wantedSession); else await home();
