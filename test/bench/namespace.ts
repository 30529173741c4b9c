import { execa } from 'execa';
import { runPrefix } from '../support/runs.mjs';

let made = 0;
const live = new Set<string>();

/** Runs `work` with a network namespace of its own, which is gone afterwards. */
export async function withNamespace<T>(work: (netns: string) => Promise<T>): Promise<T> {
  const netns = `${runPrefix}bench-${(made += 1)}`;
  await execa('ip', ['netns', 'add', netns]);
  live.add(netns);
  await execa('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  try {
    return await work(netns);
  } finally {
    await removeNamespace(netns);
  }
}

async function removeNamespace(netns: string): Promise<void> {
  live.delete(netns);
  await execa('ip', ['netns', 'del', netns]);
}

/** For a run that is interrupted. */
export async function removeNamespaces(): Promise<void> {
  await Promise.all([...live].map(removeNamespace));
}
