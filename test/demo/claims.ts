/** What a demo says, what it claims, and how it ends: exit 0 only if every claim was seen to hold. */
import picocolors from 'picocolors';
import type { Lab } from '../support/lab/lab.js';
import { missingForPackets } from '../support/lab/prerequisites.js';

const { bold, green, red, cyan } = picocolors;

export const say = (text = ''): void => console.log(text);
export const step = (number: number, text: string): void => say(`\n${bold(cyan(`${number}. ${text}`))}`);

/** Every claim that the demo makes, and whether it was seen. */
const claims: { readonly text: string; readonly held: boolean }[] = [];

export function claim(text: string, held: boolean): void {
  claims.push({ text, held });
  say(`   ${held ? green('✔') : red('✘')} ${text}`);
}

/** Shows something in a lab of its own, of which nothing stays behind, also after Ctrl-C. @returns the exit code */
export async function runDemo(
  create: () => Promise<Lab>,
  show: (lab: Lab) => Promise<void>,
  conclusion: string,
): Promise<number> {
  const reason = missingForPackets();
  if (reason !== undefined) {
    console.error(`The demo sends real packets through network namespaces, and cannot here: ${reason}`);
    return 5;
  }
  const lab = await create();
  const interruption = new AbortController();
  // Twice is not more urgent than once: a terminal and npm both send it.
  const stop = (): void => {
    interruption.abort();
    void lab[Symbol.asyncDispose]().finally(() => process.exit(130));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    await show(lab);
  } catch (error) {
    // What fails because the cluster is being taken away needs no word.
    if (!interruption.signal.aborted) throw error;
  } finally {
    await lab[Symbol.asyncDispose]();
  }
  return conclude(conclusion);
}

function conclude(conclusion: string): number {
  const failed = claims.filter(({ held }) => !held);
  say();
  if (failed.length === 0) {
    say(green(bold(`Seen on real packets: ${claims.length} of ${claims.length} claims held. ${conclusion}`)));
    return 0;
  }
  say(
    red(bold(`${failed.length} of ${claims.length} claims did NOT hold: ${failed.map(({ text }) => text).join('; ')}`)),
  );
  return 1;
}
