/** What a rule has found, with its position: what is printed. */
import type { Severity } from '../model/diagnostic.js';

export type { Severity } from '../model/diagnostic.js';

/** `proved` from the object alone; `closed-world` if the input is everything there is; `heuristic` otherwise. */
export type Confidence = 'proved' | 'closed-world' | 'heuristic';

export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Finding extends SourcePosition {
  readonly rule: string;
  readonly name: string;
  readonly severity: Severity;
  readonly confidence: Confidence;
  readonly endLine: number;
  readonly endColumn: number;
  /** RFC 6901, from the object's root. */
  readonly pointer: string;
  readonly object: { readonly kind: string; readonly namespace?: string; readonly name: string };
  readonly message: string;
  readonly why: string;
  readonly fix?: { readonly description: string; readonly replacement: string };
  readonly related: readonly (SourcePosition & { readonly message: string })[];
}

/** What `-o json` prints, schema version 1. */
export interface Findings {
  readonly kind: 'Findings';
  readonly schemaVersion: 1;
  readonly findings: readonly Finding[];
  /** What was left out, one line each: templates, and what is no object of Kubernetes. */
  readonly skipped: readonly string[];
  readonly unparsed: readonly string[];
}
