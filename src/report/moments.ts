/** Moments as people want to read them. */
import { formatDuration } from '../audit/query/times.js';

export const timeStyles = ['utc', 'local', 'relative'] as const;
export type TimeStyle = (typeof timeStyles)[number];

/** Of an RFC 3339 time; what is none stays as it is. */
export type MomentText = (moment: string) => string;

/** @param now milliseconds since the epoch */
export function momentText(style: TimeStyle, now: number): MomentText {
  if (style === 'utc') return (moment) => moment;
  const of = style === 'local' ? localText : (milliseconds: number) => relativeText(now - milliseconds);
  return (moment) => {
    const milliseconds = Date.parse(moment);
    return Number.isNaN(milliseconds) ? moment : of(milliseconds);
  };
}

/** RFC 3339 with the offset of this machine's time zone at that moment. */
function localText(milliseconds: number): string {
  const offset = -new Date(milliseconds).getTimezoneOffset();
  const shifted = new Date(milliseconds + offset * 60_000).toISOString().slice(0, -1);
  const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${shifted}${offset < 0 ? '-' : '+'}${hours}:${minutes}`;
}

const second = 1000;
const [minute, hour, day] = [60 * second, 3600 * second, 86_400 * second];

/** Two units at most: `4s ago`, `5m3s ago`, `2h10m ago`, `3d4h ago`; `in 4s` where a clock is ahead. */
function relativeText(past: number): string {
  const size = Math.abs(past);
  const [large, small] =
    size < minute ? [second, second] : size < hour ? [minute, second] : size < day ? [hour, minute] : [day, hour];
  const whole = Math.trunc(size / large) * large;
  const rest = Math.trunc((size - whole) / small) * small;
  const text = `${formatDuration(whole)}${rest === 0 || small === large ? '' : formatDuration(rest)}`;
  return past < 0 ? `in ${text}` : `${text} ago`;
}
