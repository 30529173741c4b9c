/** What the kernel knows of a process. */
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';

/** Megabytes. */
export async function memoryOf(pid: number): Promise<{ resident: number; peak: number }> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string): number => {
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
    return (Number(kibibytes) * 1024) / 1e6;
  };
  return { resident: megabytes('VmRSS'), peak: megabytes('VmHWM') };
}

/** Seconds of processor time so far. The kernel counts in hundredths. */
export async function processorTimeOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // Behind the name, which may have blanks in it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export async function childrenOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await execa('pgrep', ['-P', String(pid)], { reject: false });
  return stdout.split('\n').filter(Boolean).map(Number);
}
