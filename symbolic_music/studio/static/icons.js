/** Small drawings for buttons; fonts do not have them everywhere. */

const NAMESPACE = 'http://www.w3.org/2000/svg';
const SHAPES = {
  play: 'M5 3.2v9.6a.6.6 0 0 0 .92.5l7.4-4.8a.6.6 0 0 0 0-1L5.92 2.7A.6.6 0 0 0 5 3.2z',
  pause: 'M4.5 3h2.4v10H4.5zM9.1 3h2.4v10H9.1z',
  stop: 'M4 4h8v8H4z',
  start: 'M3.5 3h2v10h-2zM13 3.3v9.4L6.3 8z',
  loop: 'M4.2 5.2h6.1V3.1L13.9 6l-3.6 2.9V6.8H5.8v3.4H4.2zM11.8 10.8H5.7v2.1L2.1 10l3.6-2.9v2.1h4.5V5.8h1.6z',
  metronome: 'M6.2 2h3.6l2.7 12H3.5zm.9 1.4L5.3 11h5.4L8.9 3.4zM8 9.8 12.6 3l1 .7-4.4 6.6z',
  undo: 'M6.2 3 2.5 6.4l3.7 3.4V7.5h3.3a2.4 2.4 0 0 1 0 4.8H6v1.6h3.5a4 4 0 0 0 0-8H6.2z',
  redo: 'M9.8 3l3.7 3.4-3.7 3.4V7.5H6.5a2.4 2.4 0 0 0 0 4.8H10v1.6H6.5a4 4 0 0 1 0-8h3.3z',
  theme: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 1.6v8.8a4.4 4.4 0 0 1 0-8.8z',
  pencil: 'M11.2 2.2l2.6 2.6-7.9 7.9-3.4.8.8-3.4zM10 5.2 4.8 10.4l-.4 1.2 1.2-.4L10.8 6z',
};

/** An icon as an element. @param {keyof typeof SHAPES} name */
export function icon(name) {
  const svg = document.createElementNS(NAMESPACE, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(NAMESPACE, 'path');
  path.setAttribute('d', SHAPES[name]);
  path.setAttribute('fill-rule', 'evenodd');
  svg.append(path);
  return svg;
}
