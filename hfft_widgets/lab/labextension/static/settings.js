// The settings page's values, with the schema's defaults where there is no registry.
import { lab } from './shared.js';

export const PLUGIN = 'hfft-widgets:plugin';
const DEFAULTS = { limit: 0, namespace: '', where: 'auto', shown: 'all', polling: 1, notify: true };

/** {get(name), changed}: `changed` is a signal. */
export async function loadSettings(registry) {
  const loaded = registry ? await registry.load(PLUGIN).catch(error => console.warn(error)) : null;
  return {
    get: name => loaded?.composite[name] ?? DEFAULTS[name],
    changed: loaded ? loaded.changed : new lab.signaling.Signal({}),
  };
}
