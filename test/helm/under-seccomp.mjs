// Runs inside the container's root, by the image's own node and koffi: sets the filter of its first argument and becomes
// the command that follows, as a container runtime does in its last step.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const koffi = createRequire('/opt/podwall/package.json')('koffi');
const libc = koffi.load('libc.so.6');
const program = koffi.struct('sock_fprog', { length: 'uint16', filter: 'void *' });
const prctl = libc.func('prctl', 'int', ['int', 'ulong', koffi.pointer(program)]);
const execvp = libc.func('int execvp(const char *file, const char **arguments)');
const fcntl = libc.func('int fcntl(int fd, int command, int flags)');
const [setSeccomp, filterMode, instructionSize] = [22, 2, 8];
const setDescriptorFlags = 2;

const [file, ...command] = process.argv.slice(2);
const filter = readFileSync(file);
if (prctl(setSeccomp, filterMode, { length: filter.length / instructionSize, filter }) !== 0)
  throw new Error(`the seccomp filter was refused: errno ${koffi.errno()}`);
// Node lets no descriptor through, not even these.
for (const fd of [0, 1, 2]) fcntl(fd, setDescriptorFlags, 0);
execvp(command[0], [...command, null]);
throw new Error(`${command[0]} did not start: errno ${koffi.errno()}`);
