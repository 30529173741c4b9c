/**
 * An nft with faults on demand: a script before the real one, which asks a file for each transaction and each listing what
 * to do, also while it stands for a long-lived `nft -i`.
 */
import { execa } from 'execa';
import { mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the script does, in sh, instead of running `$real "$@"`; half of the time where `half` says so. */
const faults = {
  'fails half of the time': 'half && complain "No buffer space available" && return 1',
  'is busy': 'half && complain "Device or resource busy" && return 1',
  'is interrupted': 'half && complain "Interrupted system call" && return 1',
  'refuses without a reason': 'half && complain "Invalid argument" && return 1',
  crashes: 'half && kill -SEGV $$',
  'prints garbage': 'head -c 300 /dev/urandom >&2; head -c 300 /dev/urandom',
  'prints warnings': 'echo "Warning: something is odd" >&2',
  'prints half': '"$real" "$@" 2>&1 | head -c 40; return 1',
  'is slow': 'sleep 1',
  hangs: 'exec sleep 600',
  'hangs when it lists': 'case "$*" in *list*table*) exec sleep 600;; esac',
} as const;
export type Fault = keyof typeof faults;
export const nftFaults = Object.keys(faults) as readonly Fault[];

const script = (real: string, folder: string): string => `#!/bin/bash
real=${real}
half() { [ $((RANDOM % 2)) = 0 ]; }
complain() { printf '/proc/self/fd/3:1:1-9: Error: Could not process rule: %s\\nadd table inet podwall\\n^^^^^^^^^\\n' "$1" >&2; }
run() {
  now=$(cat ${folder}/now)
  [ -z "$now" ] || echo "$now" >> ${folder}/log
  case "$now" in
${Object.entries(faults)
  .map(([name, act]) => `    '${name}') ${act} ;;`)
  .join('\n')}
  esac
  "$real" "$@"
}
if [ "$1" = -i ]; then
  while read -r line; do
    case "$line" in
      include*) run -f /proc/self/fd/3 ;;
      list*) run $line ;;
      *) printf 'Error: syntax error, unexpected newline, expecting string\\n%s\\n   ^\\n' "$line" >&2 ;;
    esac
  done
elif [ "$1" = monitor ]; then exec "$real" "$@"
else run "$@"
fi
`;

export class FailingNft {
  /** Where the script is. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(parent: string): Promise<FailingNft> {
    const nft = new FailingNft(await mkdtemp(join(parent, 'failing-nft-')));
    const { stdout: real } = await execa('sh', ['-c', 'command -v nft']);
    await nft.set(undefined);
    await writeFile(join(nft.folder, 'log'), '');
    await writeFile(join(nft.folder, 'nft'), script(real, nft.folder), { mode: 0o755 });
    return nft;
  }

  /** What happens to every transaction and listing that begins from now on. */
  async set(fault: Fault | undefined): Promise<void> {
    await writeFile(join(this.folder, 'next'), fault ?? '');
    await rename(join(this.folder, 'next'), join(this.folder, 'now'));
  }

  /** How often it has happened. */
  async mentions(fault: Fault): Promise<number> {
    return (await readFile(join(this.folder, 'log'), 'utf8')).split('\n').filter((line) => line === fault).length;
  }
}
