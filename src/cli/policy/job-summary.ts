/** The page of a GitHub job. */
import { appendFile } from 'node:fs/promises';
import { InputError } from '../../generic/input-error.js';

/** GitHub drops a summary of more than 1 MiB as a whole; the other steps' are not counted. */
const longest = 1_000_000;

/** Appends Markdown to the summary of the job that this runs in, if any: as many whole pieces as GitHub takes. */
export async function appendJobSummary(pieces: Iterable<string>): Promise<void> {
  const path = process.env['GITHUB_STEP_SUMMARY'];
  if (path === undefined || path === '') return;
  let text = '';
  let size = 0;
  let left = 0;
  for (const piece of pieces) {
    size += Buffer.byteLength(piece);
    if (size > longest) left += 1;
    else text += piece;
  }
  if (left > 0) text += `\n${left} more are in the log.\n`;
  await appendFile(path, `${text}\n`).catch((error: unknown) => {
    throw new InputError(`$GITHUB_STEP_SUMMARY: ${(error as Error).message}`);
  });
}
