// Before all tests of a run: what killed runs left is removed, and everything temporary of this one goes into one folder.
import { makeRunFolder, removeLeftovers } from '../support/runs.mjs';

export default async function begin() {
  await removeLeftovers();
  // Of this process, and of those that it starts: the workers.
  process.env.TMPDIR = makeRunFolder();
}
