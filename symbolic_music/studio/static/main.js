/** Where the page begins: the start page, or the session that the address names. */

import { api, wantedSession } from './api.js';
import { fill, say } from './dom.js';
import { startPage } from './start.js';
import { beginTheme } from './theme.js';
import { Workspace } from './workspace.js';

/** Open a session in this page. */
async function open(id) {
  const here = new URL(location.href);
  here.searchParams.set('session', id);
  history.replaceState(null, '', here);
  const workspace = new Workspace(id, home);
  window.studio = workspace; // for tests and for the curious
  try {
    await workspace.begin();
  } catch (error) {
    say(error.message, true);
    await home();
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

beginTheme();
if (wantedSession) await open(wantedSession); else await home();
