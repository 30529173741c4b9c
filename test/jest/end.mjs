// After all tests of a run.
import { removeRunFolder } from '../support/runs.mjs';

export default async function end() {
  await removeRunFolder(process.env.TMPDIR);
  delete process.env.TMPDIR;
}
