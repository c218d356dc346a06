// One run in the panel: written once, then changed where it differs, so that focus and selection stay.
import { ids } from './commands.js';
import { element, outline, svgElement } from './icons.js';
import { age, ago, figure, shortId } from './words.js';

const WIDTH = 100;
const HEIGHT = 24;

export class Row {
  /** `act(action, run)`: "open", "begin", "resume", "cancel" or "remove". */
  constructor(act) {
    this._act = act;
    this._title = element('span', { class: 'hfft-run-title' });
    this._age = element('span', { class: 'hfft-run-age' });
    this._state = element('span', { class: 'hfft-run-state' });
    this._about = element('span', { class: 'hfft-run-about' });
    this._error = element('span', { class: 'hfft-run-error' });
    this._bar = element('i');
    this._meter = element('span', { class: 'hfft-run-meter', 'aria-hidden': 'true' }, this._bar);
    this._line = svgElement('polyline', { 'vector-effect': 'non-scaling-stroke' });
    this._spark = svgElement('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', class: 'hfft-run-spark', role: 'img' });
    this._spark.append(this._line);
    this.main = element('button', { type: 'button', class: 'hfft-run-main' },
      element('span', { class: 'hfft-run-head' }, this._title, this._age),
      element('span', { class: 'hfft-run-body' }, this._state, this._spark), this._about, this._meter, this._error);
    this._begin = this._button('begin', 'begin');
    this._resume = this._button('begin', 'resume');
    this._stop = this._button('stop', 'cancel');
    this._remove = this._button('remove', 'remove');
    this._page = element('a', { class: 'hfft-run-action', target: '_blank', rel: 'noopener' }, outline('page'));
    this.node = element('li', { class: 'hfft-run' }, this.main, element('span', { class: 'hfft-run-actions' }, this._page, this._begin, this._resume, this._stop, this._remove));
    this.main.addEventListener('click', () => this._act('open', this.run));
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Delete') this._act(this.run.live ? 'cancel' : 'remove', this.run);
    });
  }

  _button(icon, action) {
    const button = element('button', { type: 'button', class: 'hfft-run-action' }, outline(icon));
    button.addEventListener('click', () => this._act(action, this.run));
    return button;
  }

  /** Show a run as it stands now. */
  update(run) {
    const same = this.run && JSON.stringify(this.run) === JSON.stringify(run);
    this.run = run;
    const since = Date.now() / 1000 - (run.finished ?? run.created);
    write(this._age, run.live ? age(since) : ago(since));
    this._age.title = run.finished ? 'since it ended' : 'since it was started';
    if (same) return;
    write(this._title, run.title);
    this.main.title = `${run.title}\n${run.id}\n${run.host === 'jobs' ? 'On Hugging Face Jobs' : 'On this machine'}: open its notebook`;
    this._state.className = `hfft-run-state hfft-is-${run.icon}`;
    this._state.replaceChildren(outline(run.icon), element('span', {}, run.words));
    this._state.title = [run.words, run.verdict?.words].filter(Boolean).join('. ');
    write(this._about, about(run));
    write(this._error, run.live ? run.waiting || run.note || '' : run.reason || run.error);
    this._error.title = run.live ? '' : run.error;
    this._meter.hidden = !run.live || Boolean(run.waiting);
    this._bar.style.width = `${100 * (run.fraction ?? 0)}%`;
    this._draw(run);
    this._actions(run);
  }

  _actions(run) {
    this._begin.hidden = !run.can_begin;
    this._resume.hidden = run.goes_on_from === null;
    this._stop.hidden = !run.live;
    this._remove.hidden = run.live;
    this._page.hidden = !/^https?:\/\//.test(run.page);
    if (!this._page.hidden) this._page.href = run.page;
    const can = { [ids.openRun]: true, [ids.startNow]: run.can_begin, [ids.resume]: run.goes_on_from !== null, [ids.cancel]: run.live, [ids.remove]: !run.live };
    Object.assign(this.node.dataset, { run: run.id, can: Object.keys(can).filter(id => can[id]).join(' ') });
    label(this._begin, `Start ${run.title} now, without waiting`);
    label(this._resume, `Let ${run.title} go on from step ${run.goes_on_from}`);
    label(this._stop, `Cancel ${run.title}`);
    label(this._remove, `Delete ${run.title}`);
    label(this._page, `${run.title}: its page on the Hub`);
  }

  _draw({ spark, metric }) {
    this._spark.toggleAttribute('hidden', spark.length < 2);
    this._line.setAttribute('points', points(spark));
    if (spark.length > 1) {
      this._spark.setAttribute('aria-label', `${metric} ${figure(spark[0][1])} to ${figure(spark.at(-1)[1])}`);
    } else {
      this._spark.removeAttribute('aria-label');
    }
  }
}

function about(run) {
  const last = run.spark.at(-1);
  return [
    run.cost ? `${run.cost}${run.live ? ' so far' : ''}` : '',
    run.host === 'jobs' ? 'HF Jobs' : '',
    run.live && run.seconds_left ? `${age(run.seconds_left)} left` : '',
    last ? `${run.metric} ${figure(last[1])}` : '',
    last || run.cost || run.waiting || run.error ? '' : shortId(run.id),
  ].filter(Boolean).join(' · ');
}

/** The curve in the picture's units, its range as high as the picture. */
function points(curve) {
  if (curve.length < 2) return '';
  const values = curve.map(([, value]) => value);
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  const first = curve[0][0];
  const steps = curve.at(-1)[0] - first || 1;
  const x = step => ((step - first) / steps) * WIDTH;
  const y = value => HEIGHT - 2 - ((value - low) / range) * (HEIGHT - 4);
  return curve.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
}

function write(node, words) {
  if (node.textContent !== words) node.textContent = words;
  node.hidden = !words;
}

function label(node, words) {
  node.title = words;
  node.setAttribute('aria-label', words);
}
