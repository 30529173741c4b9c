/** Times as users give them and as records have them, in milliseconds since the epoch. */

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90s`, `2h30m`, `7d`, in milliseconds; undefined for another text. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(ms|[smhdw]))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+)(ms|[smhdw])/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (units[unit] ?? 0),
    0,
  );
}

/** A duration before `now`, or an RFC 3339 time or date; undefined for another text. */
export function parseMoment(text: string, now: number): number | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  if (!/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** In the largest unit that divides it: `5m`, `1500ms`. */
export function formatDuration(milliseconds: number): string {
  const [unit = 'ms', size = 1] =
    Object.entries(units)
      .reverse()
      .find(([, one]) => milliseconds >= one && milliseconds % one === 0) ?? [];
  return `${milliseconds / size}${unit}`;
}

/** Reads one time after the other; most share their minute with the previous one. */
export class TimestampReader {
  #minute = '';
  #start = NaN;

  /** NaN when it is no time. */
  read(text: string): number {
    if (!text.startsWith(this.#minute) || this.#minute === '') {
      this.#minute = text.slice(0, 16);
      this.#start = Date.parse(`${this.#minute}:00Z`);
    }
    const hasFraction = text.charCodeAt(19) === 0x2e;
    const fraction = hasFraction ? digit(text, 20) * 100 + digit(text, 21) * 10 + digit(text, 22) : 0;
    return this.#start + (digit(text, 17) * 10 + digit(text, 18)) * 1000 + fraction;
  }
}

/** 0 for what is none: a fraction may be shorter than three digits. */
function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 48;
  return value >= 0 && value <= 9 ? value : 0;
}
