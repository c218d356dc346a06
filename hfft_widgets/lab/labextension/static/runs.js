// The runs as this page knows them: looked at often while somebody sees them, seldom otherwise, never out of sight.
import { lab } from './shared.js';
import { server } from './server.js';

const SELDOM = 5; // seconds between two looks while the panel is closed and nothing runs
const HIDDEN = 2; // and while something runs, whose end is to be told

/** Signals: `changed` after each look; `ended` with a run that was seen live and has ended, `stalled` with one that stalls. */
export class Runs {
  constructor(settings) {
    this.list = [];
    this.older = 0;
    this.ledger = ''; // another text once it has grown; '' where there is none
    this.note = ''; // why some cannot be shown
    this.error = null; // why the last look failed
    this.loaded = false;
    this.changed = new lab.signaling.Signal(this);
    this.ended = new lab.signaling.Signal(this);
    this.stalled = new lab.signaling.Signal(this);
    this._settings = settings;
    this._seen = false;
    this._since = 0; // the revision of the last answer; 0 asks for everything
    this._poll = new lab.polling.Poll({
      name: 'hfft-widgets:runs',
      factory: () => this._look(),
      frequency: this._frequency(),
      standby: 'when-hidden',
    });
    settings.changed.connect(() => {
      this._since = 0;
      this.look();
    });
  }

  get live() {
    return this.list.filter(run => run.live);
  }

  /** Whether somebody sees the list now. */
  set seen(seen) {
    if (seen === this._seen) return;
    this._seen = seen;
    this.look();
  }

  /** Look now, and from now on as often as is fitting. */
  look() {
    this._adapt();
    return this._poll.refresh();
  }

  _frequency() {
    // a server without our part, Voila's say, is asked once, and again when somebody opens the panel
    if (this.error?.status === 404 && !this._seen) return { interval: lab.polling.Poll.NEVER, backoff: false, max: Infinity };
    const asked = this._settings.get('polling');
    const seconds = this._seen ? asked : Math.max(asked, this.live.length ? HIDDEN : SELDOM);
    return { interval: seconds * 1000, backoff: 2, max: Math.max(60, seconds) * 1000 };
  }

  _adapt() {
    const wanted = this._frequency();
    if (wanted.interval !== this._poll.frequency.interval) this._poll.frequency = wanted;
  }

  async _look() {
    try {
      this._take(await server.runs(this._settings.get('shown'), this._since));
      this.error = null;
    } catch (error) {
      this.error = error;
      this._since = 0;
      throw error; // the poll waits longer
    } finally {
      this._adapt();
      this.changed.emit();
    }
  }

  _take({ order, runs, older, note, revision, ledger }) {
    const before = new Map(this.list.map(run => [run.id, run]));
    const now = new Map([...before, ...runs.map(run => [run.id, run])]);
    const list = order.map(id => now.get(id)).filter(Boolean);
    if (list.length < order.length) revision = 0; // what is shown has changed meanwhile: ask for everything next time
    Object.assign(this, { list, older, note, ledger, loaded: true, _since: revision });
    for (const run of list) if (!run.live && before.get(run.id)?.live) this.ended.emit(run);
    for (const run of list) if (run.stalled && before.has(run.id) && !before.get(run.id).stalled) this.stalled.emit(run);
  }
}
