// Icons, and elements without any markup in text: what comes from a run is hostile.
import { lab } from './shared.js';

const picture = (shapes, colour) => `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16" fill="none">
  <g ${colour} stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">${shapes}</g></svg>`;
const OF_THEME = 'class="jp-icon3" stroke="#616161"'; // takes the theme's colour for each of fill and stroke that an element has
const ORANGE = 'stroke="#f37726"'; // of Jupyter's notebooks, and of finetune.svg
const FINETUNE = '<path d="M2 5h6.5M12.5 5H14M2 11h1.5M7.5 11H14"/><circle cx="10.5" cy="5" r="2"/><circle cx="5.5" cy="11" r="2"/>';
const LESSONS = {
  '0_quickstart': FINETUNE,
  '1_data': '<path d="M2 3h12v10H2ZM2 6.3h12M2 9.6h12M6.5 6.3V13"/>',
  '2_plan': '<path d="M2.3 12.5a6.5 6.5 0 1 1 11.4 0M8 10l3-3.6"/>',
  '3_run': '<path d="M2.5 2v11.5H14M5 4c.6 4.5 3 6.4 8.5 6.7"/>',
  '4_export': '<path d="M8 2v7.5M5 6.5l3 3 3-3M2.5 10v3.5h11V10"/>',
  '5_hf_jobs': '<path d="M4.7 12.5a2.9 2.9 0 0 1-.3-5.8 3.8 3.8 0 0 1 7.3-.2 3 3 0 0 1-.2 6Z"/>',
  '6_agents': '<path d="M3 5.5h10v7.5H3ZM8 5.5V3M6 8.6v1M10 8.6v1"/><circle cx="8" cy="2.3" r=".6"/>',
  capstone: '<path d="M3.5 14V2.5h9l-2 3 2 3h-9"/>',
  teacher: '<path d="M2.5 13.5c0-3 2-4.5 4-4.5s4 1.5 4 4.5M11 8.7c1.6.2 2.7 1.7 2.7 4.3"/><circle cx="6.5" cy="5" r="2.2"/><path d="M10.5 2.9a2.2 2.2 0 0 1 0 4.2"/>',
};
const made = new Map(); // icons by name: a name is registered once

function labIcon(name, shapes, colour) {
  if (!made.has(name)) made.set(name, new lab.ui.LabIcon({ name, svgstr: picture(shapes, colour) }));
  return made.get(name);
}

/** The extension's own icon. */
export const finetuneIcon = () => labIcon('hfft:finetune', FINETUNE, OF_THEME);

/** What a lesson is about, for its tile. */
export const lessonIcon = name => (LESSONS[name] ? labIcon(`hfft:lesson-${name}`, LESSONS[name], ORANGE) : finetuneIcon());

// the same outlines as on the package's cards: each state has its own shape
const CIRCLE = 'M1.5 8a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0';
const STATES = {
  ok: [CIRCLE, 'M4.9 8.2l2.2 2.2 4-4.4'],
  warn: ['M8 1.8 14.8 14H1.2Z', 'M8 6.2v3.6M8 11.7v.3'],
  info: [CIRCLE, 'M8 7.2v3.9M8 4.7v.3'],
  bad: ['M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2Z', 'M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8'],
  run: [CIRCLE, 'M6.6 5.2 10.8 8l-4.2 2.8Z'],
  wait: [CIRCLE, 'M8 4.3V8l2.6 1.6'],
};
const ACTIONS = {
  begin: ['M5 3.5 12 8l-7 4.5Z'],
  stop: ['M4.5 4.5h7v7h-7Z'],
  remove: ['M2.5 4h11M6.5 4V2.5h3V4M4 4l.7 9.5h6.6L12 4M6.7 6.8v4M9.3 6.8v4'],
  page: ['M6.5 3.5h-3v9h9v-3M9 2.5h4.5V7M13.2 2.8 7.5 8.5'],
};
const SVG = 'http://www.w3.org/2000/svg';

/** An element with attributes and children; children that are texts stay texts. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter(child => child !== null));
  return made;
}

/** A 16 px outline in the colour of the text around it: a state of a run, or an action. */
export function outline(name) {
  const svg = svgElement('svg', { viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true', class: 'hfft-outline' });
  for (const d of STATES[name] ?? ACTIONS[name] ?? STATES.wait) svg.append(svgElement('path', { d }));
  return svg;
}

/** An element of a picture. */
export function svgElement(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
