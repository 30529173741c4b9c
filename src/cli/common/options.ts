import { InvalidArgumentError, Option } from 'commander';
import { hostname } from 'node:os';
import { parseDuration } from '../../audit/query/times.js';
import type { ConnectionChoice } from '../../cluster/api-server/kube-config.js';
import type { SourceProblem } from '../../cluster/types.js';
import { formatPath } from '../../model/diagnostic.js';
import { visible } from '../../model/visible.js';
import type { ObjectRef } from '../../model/pod.js';

export const defaultStateDir = '/run/podwall';

/** $NODE_NAME, as the DaemonSet sets it, then the host name. */
export const defaultNode = (): string => process.env['NODE_NAME'] ?? hostname();

/** An option whose value is usually one of these words: completion offers them, and other values are valid too. */
export class SuggestedOption extends Option {
  readonly words: readonly string[];

  constructor(flags: string, description: string, words: readonly string[]) {
    super(flags, description);
    this.words = words;
  }
}

export const repeatable = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** A problem as one line: `file:line:column: kind namespace/name: field: message`. */
export function warnOf(problem: SourceProblem): string {
  const { file, line, column, object, diagnostic } = problem;
  const place = [file && visible(file), line, column].filter((part) => part !== undefined).join(':');
  const name = object && `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`;
  return [place, name, formatPath(diagnostic.path), diagnostic.message]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
}

/** The flags that choose an API server, without those that were not given. */
export const choiceOf = ({ kubeconfig, context }: ConnectionChoice): ConnectionChoice => ({
  ...(kubeconfig === undefined ? {} : { kubeconfig }),
  ...(context === undefined ? {} : { context }),
});

/** `policy/NAMESPACE/NAME` */
export function parseTarget(text: string): ObjectRef {
  const [, namespace, name] = /^(?:policy|networkpolicy)\/([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined)
    throw new InvalidArgumentError(`${text}: must be policy/NAMESPACE/NAME.`);
  return { namespace, name };
}

/** Milliseconds. */
export function durationOption(text: string): number {
  const duration = parseDuration(text);
  if (duration === undefined) throw new InvalidArgumentError(`${text}: must be a duration as 500ms, 30s or 2m.`);
  return duration;
}
