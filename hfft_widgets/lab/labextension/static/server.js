// What the page asks Jupyter's server, with Jupyter's own sign-in.
import { lab } from './shared.js';

const RUNS = 'hfft/runs';

/** An answer that is no success; its message says what to do. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, init = {}) {
  const { ServerConnection } = lab.services;
  const settings = ServerConnection.makeSettings();
  const response = await ServerConnection.makeRequest(lab.coreutils.URLExt.join(settings.baseUrl, path), init, settings);
  const values = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, values?.message ?? `The server answered ${response.status}.`);
  return values;
}

const one = (id, action = '') => `${RUNS}/${encodeURIComponent(id)}${action}`;

export const server = {
  /** The runs: those that changed since the answer with that revision. */
  runs: (shown, since) => ask(`${RUNS}?shown=${encodeURIComponent(shown)}&since=${since}`),
  run: id => ask(one(id)),
  cancel: id => ask(one(id, '/cancel'), { method: 'POST' }),
  resume: id => ask(one(id, '/resume'), { method: 'POST' }),
  startNow: id => ask(one(id, '/start_now'), { method: 'POST' }),
  lessons: () => ask('hfft/lessons'),
  lesson: name => ask(`hfft/lessons/${encodeURIComponent(name)}`),
  ledger: () => ask('hfft/ledger'),
  remove: id => ask(one(id), { method: 'DELETE' }),
};
