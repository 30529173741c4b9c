/** What a process and all that it starts use together, as the kernel accounts it: a control group, of whichever version. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const root = '/sys/fs/cgroup';

export interface MemoryUse {
  /** Megabytes, those of kernel objects and of files that were read included. */
  readonly now: number;
  readonly peak: number;
  /** Processes of the group that the kernel has killed for want of memory. */
  readonly killed: number;
}

interface Accounting {
  readonly folders: readonly string[];
  seconds(): Promise<number>;
  limit(bytes: number): Promise<void>;
  memory(): Promise<MemoryUse>;
}

/** Why there is none here, in a sentence; undefined when there is. */
export const missingControlGroups: string | undefined =
  existsSync(`${root}/memory/memory.limit_in_bytes`) || existsSync(`${root}/cgroup.controllers`)
    ? undefined
    : 'no memory control group here';

let made = 0;

export class ControlGroup implements AsyncDisposable {
  readonly #accounting: Accounting;

  private constructor(accounting: Accounting) {
    this.#accounting = accounting;
  }

  /** @param bytes more memory than this is refused by the kernel, which then kills */
  static async create(bytes: number): Promise<ControlGroup> {
    const name = `podwall-bench-${process.pid}-${(made += 1)}`;
    const accounting = existsSync(`${root}/memory/memory.limit_in_bytes`) ? first(name) : await second(name);
    for (const folder of accounting.folders) await mkdir(folder, { recursive: true });
    await accounting.limit(bytes);
    return new ControlGroup(accounting);
  }

  /** What the process has started before is not moved. */
  async add(pid: number): Promise<void> {
    for (const folder of this.#accounting.folders) await writeFile(join(folder, 'cgroup.procs'), String(pid));
  }

  /** Seconds of processor time so far, that of processes that have ended included. */
  processorTime(): Promise<number> {
    return this.#accounting.seconds();
  }

  memory(): Promise<MemoryUse> {
    return this.#accounting.memory();
  }

  /** To be called when its processes have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const folder of this.#accounting.folders) await removeGroup(folder);
  }
}

/** The kernel lets go of a process a little after its end is known. */
async function removeGroup(folder: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1)
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      // Ten seconds: a machine that is busy.
      if (attempt === 500) throw error;
      await delay(20);
    }
}

const numberIn = async (...path: readonly string[]): Promise<number> => Number(await readFile(join(...path), 'utf8'));

async function fieldIn(file: string, field: string): Promise<number> {
  const value = new RegExp(`^${field} (\\d+)$`, 'm').exec(await readFile(file, 'utf8'))?.[1];
  if (value === undefined) throw new Error(`${file} has no ${field}`);
  return Number(value);
}

function first(name: string): Accounting {
  const [memory, processor] = [join(root, 'memory', name), join(root, 'cpuacct', name)];
  return {
    folders: [memory, processor],
    seconds: async () => (await numberIn(processor, 'cpuacct.usage')) / 1e9,
    limit: (bytes) => writeFile(join(memory, 'memory.limit_in_bytes'), String(bytes)),
    memory: async () => ({
      now: (await numberIn(memory, 'memory.usage_in_bytes')) / 1e6,
      peak: (await numberIn(memory, 'memory.max_usage_in_bytes')) / 1e6,
      killed: await fieldIn(join(memory, 'memory.oom_control'), 'oom_kill'),
    }),
  };
}

async function second(name: string): Promise<Accounting> {
  await writeFile(join(root, 'cgroup.subtree_control'), '+memory +cpu');
  const folder = join(root, name);
  return {
    folders: [folder],
    seconds: async () => (await fieldIn(join(folder, 'cpu.stat'), 'usage_usec')) / 1e6,
    limit: (bytes) => writeFile(join(folder, 'memory.max'), String(bytes)),
    memory: async () => ({
      now: (await numberIn(folder, 'memory.current')) / 1e6,
      peak: (await numberIn(folder, 'memory.peak')) / 1e6,
      killed: await fieldIn(join(folder, 'memory.events'), 'oom_kill'),
    }),
  };
}
