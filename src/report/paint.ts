/** Colours by what they mean, for people at a terminal. */
import { createColors } from 'picocolors';

type Painter = (text: string) => string;

export interface Paint {
  /** What is allowed, gained, passed. */
  readonly good: Painter;
  /** What is denied, lost, failed. */
  readonly bad: Painter;
  /** What deserves a look. */
  readonly doubtful: Painter;
  readonly note: Painter;
}

export function paintOf(isColoured: boolean): Paint {
  const { green, red, yellow, cyan } = createColors(isColoured);
  return { good: green, bad: red, doubtful: yellow, note: cyan };
}

export const plain = paintOf(false);

/** `yes`, `no`. */
export const paintAnswer = (paint: Paint, allowed: boolean): string => (allowed ? paint.good('yes') : paint.bad('no'));
