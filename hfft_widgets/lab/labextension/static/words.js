// Figures in words.

/** Time gone by, in its largest unit: "now", "4 min", "3 h", "2 d". */
export function age(seconds) {
  if (seconds < 60) return seconds < 5 ? 'now' : `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** Since when something is over. */
export const ago = seconds => (seconds < 5 ? 'now' : `${age(seconds)} ago`);

/** A number in three digits. */
export const figure = value => String(Number(value.toPrecision(3)));

/** Bytes in the unit a file browser uses. */
export function bytes(count) {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const number = count / 1000 ** power;
  return `${power && number < 100 ? number.toPrecision(2) : Math.round(number)} ${units[power]}`;
}

/** An id without its host. */
export const shortId = id => id.replace(/^(local|jobs):/, '');
