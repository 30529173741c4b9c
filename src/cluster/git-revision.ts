/** Manifests as they were in a revision of git; the work tree is not touched. */
import { execa, ExecaError } from 'execa';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../generic/input-error.js';

/** Puts a path of a revision below `folder`, and returns where it is. @throws InputError with what git says */
export async function checkOutRevision(name: string, path: string, folder: string): Promise<string> {
  // git would read it as an option of its own.
  if (!/^[^-]/.test(name))
    throw new InputError(`--git: ${JSON.stringify(name)} is not a revision; give REV..REV or REV`);
  try {
    const { stdout: prefix } = await execa('git', ['rev-parse', '--show-prefix']);
    const { stdout: root } = await execa('git', ['rev-parse', '--show-toplevel']);
    const inside = join(prefix, path);
    const archived = await execa('git', ['archive', '--format=tar', name, '--', inside], {
      cwd: root,
      encoding: 'buffer',
    });
    await mkdir(folder);
    await execa('tar', ['-x', '-f', '-', '-C', folder], { input: archived.stdout });
    return join(folder, inside);
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    const message = error.message.replace(error.shortMessage, '').trim();
    throw new InputError(`--git ${name}: ${message === '' ? error.shortMessage : message}`);
  }
}
