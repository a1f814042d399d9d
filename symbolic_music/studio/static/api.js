/** The server's addresses. See /api/openapi.json. */

const here = new URLSearchParams(location.search);
export const token = here.get('token') ?? '';
export const wantedSession = here.get('session');

/** An address under /api with the token and other parameters. */
export function address(path, parameters = {}) {
  const query = new URLSearchParams({ token });
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  return `/api${path}?${query}`;
}

/** What an address answers; an Error with the server's words when it refuses. */
async function ask(path, options = {}, parameters = {}) {
  const response = await fetch(address(path, parameters), options);
  if (!response.ok) {
    let words = `the server answers ${response.status}`;
    try { words = (await response.json()).error ?? words; } catch { /* no JSON: the status says it */ }
    throw new Error(words);
  }
  return response.json();
}

const post = (path, content, parameters) =>
  ask(path, { method: 'POST', body: content === undefined ? undefined : JSON.stringify(content) }, parameters);

export const api = {
  models: () => ask('/models'),
  examples: () => ask('/examples'),
  openExample: (name) => post(`/examples/${encodeURIComponent(name)}`),
  sessions: () => ask('/sessions'),
  /** @param {Blob} file @param {string} name */
  open: (file, name) => ask('/sessions', { method: 'POST', body: file }, { name }),
  blank: () => post('/sessions'),
};

/** The addresses of one session. */
export function sessionApi(id) {
  const one = `/sessions/${encodeURIComponent(id)}`;
  return {
    facts: () => ask(one),
    score: (state) => ask(`${one}/score`, {}, { state }),
    change: (state, changes, label = '') => post(`${one}/changes`, { state, changes, label }),
    go: (to) => post(`${one}/go`, { to }),
    name: (state, name) => post(`${one}/name`, { state, name }),
    chords: (chords) => post(`${one}/chords`, { chords }),
    view: (view) => post(`${one}/view`, { view }),
    wish: (wish) => post(`${one}/edits`, wish),
    edit: (number) => ask(`${one}/edits/${number}`),
    cancel: (number) => post(`${one}/edits/${number}/cancel`),
    keep: (number, takes) => post(`${one}/edits/${number}/keep`, { takes }),
    alternative: (number, which) => ask(`${one}/edits/${number}/alternatives/${which}`),
    events: (number) => new EventSource(address(`${one}/edits/${number}/events`)),
    sound: (parameters) => address(`${one}/sound`, parameters),
    file: (kind, parameters) => address(`${one}/files/${kind}`, parameters),
  };
}

export const noteAddress = (parameters) => address('/note', parameters);
