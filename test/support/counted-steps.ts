/**
 * How much work is, where time says little: steps of all loops over maps and sets, since whoever copies or looks through one
 * takes a step for each of its entries.
 */
const prototypes = [new Map().entries(), new Set().values()].map(
  (iterator) => Object.getPrototypeOf(iterator) as { next: () => IteratorResult<unknown> },
);

export function stepsOf(work: () => void): number {
  let steps = 0;
  const originals = prototypes.map(({ next }) => next);
  for (const [index, prototype] of prototypes.entries()) {
    const original = originals[index] as (typeof prototype)['next'];
    prototype.next = function (this: unknown) {
      steps += 1;
      return original.call(this);
    };
  }
  try {
    work();
  } finally {
    for (const [index, prototype] of prototypes.entries())
      prototype.next = originals[index] as (typeof prototype)['next'];
  }
  return steps;
}
