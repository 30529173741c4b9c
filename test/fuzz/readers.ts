/** One file before everything that reads manifests, and what it makes before every printer. */
import { compileInput } from '../../src/analysis/compiled-input.js';
import { readAssertions } from '../../src/cluster/assertion-files.js';
import { UsageError } from '../../src/cli/common/exit-codes.js';
import { readInputs } from '../../src/cli/policy/inputs.js';
import { readLintInputs } from '../../src/cli/policy/lint-inputs.js';
import { readLintSettings } from '../../src/lint/settings.js';
import { Reach } from '../../src/analysis/reachability.js';
import { diffReachability } from '../../src/analysis/reach-diff.js';
import { readManifests } from '../../src/cluster/directory.js';
import { InputError } from '../../src/generic/input-error.js';
import { lint } from '../../src/lint/engine.js';
import { rules } from '../../src/lint/catalogue.js';
import { findingsSarif, printFindingsGithub, printFindingsJunit } from '../../src/report/findings-ci.js';
import { printFindingsMarkdown, printFindingsText } from '../../src/report/findings.js';
import { plain } from '../../src/report/paint.js';
import { pairFormats, printPairs } from '../../src/report/reachability.js';
import { printGroups } from '../../src/report/reachability-text.js';

/** Fails with what a user must never see: an error that is none of ours, or a complaint without its file. */
export async function readEverywhere(path: string): Promise<void> {
  await readAnalysis(path);
  await readLint(path);
  for (const read of [() => readManifests([path]), () => readAssertions([path]), () => readLintSettings(path)])
    await read().catch((error: unknown) => {
      if (!(error instanceof InputError || error instanceof UsageError)) throw error;
      checkLines(error.message.split('\n'), path);
    });
}

async function readAnalysis(path: string): Promise<void> {
  const inputs = await readInputs({ file: [path] });
  checkLines([...inputs.unparsed, ...inputs.skipped, ...inputs.problems], path);
  const input = compileInput(inputs, { ipBlocks: 'cluster', podCidrs: [], includeDryRun: false });
  const { workloads, program, blocks } = input;
  const reach = new Reach(workloads, program, { ...blocks, self: true });
  const { endpoints, connections } = reach;
  for (const format of pairFormats) drain(printPairs({ endpoints, connections, warnings: [] }, format));
  drain(printGroups(reach.grouped(), { endpoints, warnings: [], isWhole: true }));
  const side = { input, endpoints, connections };
  const { connections: changed } = diffReachability(side, side, 'annotated');
  if (changed.length > 0) throw new Error('a file differs from itself');
}

async function readLint(path: string): Promise<void> {
  const { input, unparsed, skipped } = await readLintInputs({ file: [path], closedWorld: true });
  checkLines([...unparsed, ...skipped], path);
  const findings = lint(input);
  const lost = findings.find(({ line, column, file }) => line < 1 || column < 1 || file !== path);
  if (lost !== undefined) throw new Error(`a finding without its place: ${JSON.stringify(lost)}`);
  for (const print of [printFindingsGithub, printFindingsJunit, printFindingsMarkdown]) drain(print(findings));
  drain(printFindingsText(findings, { paint: plain }));
  JSON.stringify(findingsSarif(findings, { rules, version: '0', unparsed }));
}

function drain(pieces: Iterable<string>): void {
  for (const piece of pieces) if (piece.includes('[object Object]')) throw new Error(`printed: ${piece}`);
}

/** A message may have further lines. */
function checkLines(lines: readonly string[], path: string): void {
  const [first] = lines;
  if (first !== undefined && !first.startsWith(path)) throw new Error(`a complaint without its file: ${first}`);
}
