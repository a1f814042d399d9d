/** The tree of states: where one was, where one can go, and names for what is worth one. */

import { el, fill } from './dom.js';

export class History {
  constructor(workspace) {
    this.w = workspace;
    this.node = el('div', { class: 'pane history' });
  }

  update() {
    const { session } = this.w;
    const children = new Map();
    for (const state of session.states) {
      if (!children.has(state.parent)) children.set(state.parent, []);
      children.get(state.parent).push(state);
    }
    const rows = [];
    // Depth grows where a state has several that were made from it, not with every step.
    const walk = (state, depth) => {
      rows.push(this.row(state, depth));
      const made = children.get(state.number) ?? [];
      for (const [i, child] of made.entries()) walk(child, depth + (i < made.length - 1 ? 1 : 0));
    };
    for (const state of children.get(null) ?? []) walk(state, 0);
    fill(this.node, el('ol', { class: 'states' }, rows));
    this.node.querySelector('.current')?.scrollIntoView({ block: 'nearest' });
  }

  row(state, depth) {
    const { session } = this.w;
    const name = el('input', { type: 'text', value: state.name, placeholder: 'name it', maxLength: 80, title: 'A name for this state',
      onkeydown: (event) => { event.stopPropagation(); if (event.key === 'Enter') name.blur(); },
      onchange: () => this.w.attempt(async () => { this.w.session = { ...session, ...(await this.w.server.name(state.number, name.value)) }; }) });
    return el('li', { class: state.number === session.current ? 'current' : '', style: `margin-left:${depth * 22}px` },
      el('button', { class: 'plain', onclick: () => this.w.go(state.number), title: new Date(state.made).toLocaleString() },
        el('span', { class: 'number soft' }, state.number), ' ', state.label), name);
  }
}
