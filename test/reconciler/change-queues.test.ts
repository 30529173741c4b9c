import { describe, expect, test } from '@jest/globals';
import type { ClusterChange } from '../../src/model/cluster.js';
import { ChangeQueues, type ChangeQueue } from '../../src/reconciler/change-queues.js';
import { ManualClock } from '../support/manual-clock.js';

const gone = (name: string): ClusterChange => ({
  kind: 'policy',
  ref: { kind: 'NetworkPolicy', namespace: 'x', name },
});

/** A queue whose changes are so slow that a slice has one. */
function slowQueue(...batches: readonly (readonly string[])[]): ChangeQueue {
  const queues = new ChangeQueues(new ManualClock());
  for (const names of batches) queues.add(names.map(gone), 0);
  const [queue] = queues.all();
  if (queue === undefined) throw new Error('nothing waits');
  queue.sliceTook(1, 100);
  return queue;
}

const slices = (queue: ChangeQueue): string[][] => {
  const taken: string[][] = [];
  while (queue.length > 0) taken.push(queue.takeSlice().map(({ change }) => ('ref' in change ? change.ref.name : '')));
  return taken;
};

describe('slices of a queue', () => {
  test('what was announced at once comes into force together', () => {
    expect(slices(slowQueue(['a'], ['b', 'c', 'd'], ['e']))).toEqual([['a'], ['b', 'c', 'd'], ['e']]);
  });

  test('a slice ends before a batch that it cannot take whole', () => {
    const queue = slowQueue(['a', 'b'], ['c', 'd', 'e']);
    queue.sliceTook(3, 5);
    queue.sliceTook(3, 5);
    expect(slices(queue)[0]).toEqual(['a', 'b']);
  });

  test('a large batch is cut', () => {
    const many = Array.from({ length: 65 }, (_, index) => String(index));
    expect(slices(slowQueue(many))).toEqual(many.map((name) => [name]));
    const fewer = many.slice(1);
    expect(slices(slowQueue(fewer))).toEqual([fewer]);
  });
});
