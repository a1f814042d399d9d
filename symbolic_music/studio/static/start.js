/** The start page: open a file, go on with a session, or take an example. */

import { el, say } from './dom.js';
import { icon } from './icons.js';
import { setTheme, theme } from './theme.js';

export const SUFFIXES = '.mid,.midi,.kar,.musicxml,.xml,.mxl,.abc,.krn,.mei';

/** @param {{open: (id: string) => Promise<void>, api: any}} tools */
export async function startPage({ open, api }) {
  const [examples, sessions, models] = await Promise.all([api.examples(), api.sessions(), api.models()]);
  const model = models.find((one) => one.default) ?? models[0];

  const attempt = async (button, work) => {
    button.disabled = true;
    button.classList.add('busy');
    try {
      await open((await work()).id);
    } catch (error) {
      say(error.message, true);
      button.disabled = false;
      button.classList.remove('busy');
    }
  };

  const input = el('input', { type: 'file', accept: SUFFIXES, hidden: true, id: 'file', onchange: () => input.files[0] && take(input.files[0]) });
  const take = (file) => attempt(drop, () => api.open(file, file.name));
  const drop = el('button', {
    class: 'drop', onclick: () => input.click(),
    ondragover: (event) => { event.preventDefault(); drop.classList.add('over'); },
    ondragleave: () => drop.classList.remove('over'),
    ondrop: () => drop.classList.remove('over'), // main.js opens what is dropped, here or beside
  }, el('strong', {}, 'Open a piece'), el('span', { class: 'soft' }, 'Drop a MIDI, MusicXML or ABC file here, or click to choose one.'));

  return el('main', { class: 'start' },
    el('header', {},
      el('img', { src: 'icon.svg', alt: '', width: 40, height: 40 }),
      el('div', { class: 'grow' }, el('h1', {}, 'symbolic-music studio'),
        el('p', { class: 'soft' }, 'Open a piece, drag over the bars and instruments that you want different, ask for alternatives, keep what you like. Everything else stays exactly as it was.')),
      el('button', { onclick: () => setTheme(theme() === 'light' ? 'dark' : 'light'), title: 'Light or dark' }, icon('theme'))),
    el('div', { class: 'columns' },
      el('section', {}, drop, input,
        el('div', { class: 'row' },
          el('button', { onclick: (event) => attempt(event.currentTarget, api.blank) }, 'Begin with nothing')),
        sessions.length ? el('h2', {}, 'Go on') : null,
        el('ul', { class: 'list' }, sessions.slice(0, 6).map((one) => el('li', {},
          el('button', { class: 'item', onclick: (event) => attempt(event.currentTarget, async () => one) },
            el('span', {}, one.name),
            el('span', { class: 'soft' }, `${one.states} ${one.states === 1 ? 'state' : 'states'}, ${new Date(one.changed * 1000).toLocaleString()}`)))))),
      el('section', {},
        el('h2', {}, 'Or try one of these'),
        el('ul', { class: 'list' }, examples.map((one) => el('li', {},
          el('button', { class: 'item', dataset: { example: one.name }, onclick: (event) => attempt(event.currentTarget, () => api.openExample(one.name)) },
            el('span', {}, one.title), el('span', { class: 'soft' }, one.hint))))))),
    el('footer', { class: 'soft' },
      `The model that answers is “${model.name}”: ${model.words} Licence: ${model.licence}. It runs on this computer; nothing leaves it.`));
}
