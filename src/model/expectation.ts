import type { Protocol } from './policy.js';

export interface Expectation {
  readonly from: string;
  readonly to: string;
  /** A number or the name of a port of `to`; absent for ICMP, and where `to` is a Service with its port. */
  readonly port?: string;
  readonly protocol: Protocol | 'ICMP';
  readonly allowed: boolean;
  /** Where it stands in the document. */
  readonly path: readonly (string | number)[];
  /** In a text of several lines: which one, from 0. */
  readonly line?: number;
}

export interface Assertions {
  readonly expect: readonly Expectation[];
  /** What no expectation names is not looked at, or must be denied. */
  readonly unlisted: 'unchecked' | 'denied';
}

export interface PositionedAssertions extends Assertions {
  /** `file:line:column` */
  readonly position: (of: Pick<Expectation, 'path' | 'line'>) => string;
}
