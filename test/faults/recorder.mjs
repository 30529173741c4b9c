/**
 * Loaded into an agent before its own code (`--import`), in each of its threads: numbers every step by which it changes
 * the kernel or its state folder, writes each down before and after, and kills the process at the step that $PODWALL_STEPS_KILL names.
 *
 *   PODWALL_STEPS_LOG    file that gets a line `NUMBER before|after WHAT` each
 *   PODWALL_STEPS_FOLDER the state folder
 *   PODWALL_STEPS_KILL   file that says when, for example `12 before`; it may be written while the process runs
 */
import child_process from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { basename } from 'node:path';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

const { PODWALL_STEPS_LOG: log, PODWALL_STEPS_FOLDER: folder, PODWALL_STEPS_KILL: killFile } = process.env;
const written = fs.openSync(log, 'a');
/** Steps so far, of all threads. */
const count = isMainThread ? new Int32Array(new SharedArrayBuffer(4)) : getEnvironmentData('podwall-steps');
if (isMainThread) setEnvironmentData('podwall-steps', count);

const { existsSync, readFileSync, writeSync } = fs;

function note(number, when, what) {
  writeSync(written, `${number} ${when} ${what}\n`);
  const isKilled = existsSync(killFile) && readFileSync(killFile, 'utf8') === `${number} ${when}`;
  if (isKilled) for (;;) process.kill(process.pid, 'SIGKILL');
}

function begin(what) {
  const number = Atomics.add(count, 0, 1) + 1;
  note(number, 'before', what);
  return () => note(number, 'after', what);
}

/** @param whatOf what a call changes, by its arguments; undefined where it changes nothing that counts */
function record(object, name, whatOf) {
  const real = object[name];
  object[name] = function (...args) {
    const what = whatOf(...args);
    if (what === undefined) return real.apply(this, args);
    const end = begin(what);
    const result = real.apply(this, args);
    if (typeof result?.then !== 'function') {
      end();
      return result;
    }
    return result.finally(end);
  };
}

const isOurs = (path) => String(path).startsWith(folder) || String(path).startsWith('/proc/sys/');
const change =
  (name, isChange = () => true) =>
  (path, ...others) => {
    const paths = [path, others[0]].filter((one) => typeof one === 'string' || one instanceof URL);
    return paths.some(isOurs) && isChange(path, ...others) ? `${name} ${paths.filter(isOurs).join(' ')}` : undefined;
  };
const isWriting = (_, flags = 'r') => (typeof flags === 'number' ? (flags & 3) !== 0 : flags !== 'r');
const changes = ['writeFile', 'appendFile', 'rename', 'unlink', 'rm', 'rmdir', 'mkdir', 'chmod', 'link', 'symlink'];
for (const name of [...changes, 'copyFile', 'truncate', 'mkdtemp', 'cp', 'lchown', 'chown', 'utimes']) {
  record(fs.promises, name, change(name));
  record(fs, `${name}Sync`, change(name));
}
record(fs.promises, 'open', change('open', isWriting));
record(fs, 'openSync', change('open', isWriting));
record(fs, 'createWriteStream', change('open'));

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (...args) {
  const path = typeof args[0] === 'object' ? args[0]?.path : args[0];
  if (typeof path === 'string' && isOurs(path)) this.once('listening', begin(`listen ${path}`));
  return listen.apply(this, args);
};

/** Of programs that change the kernel. A check changes nothing. */
function whatOfProgram(file, args) {
  const isNft = basename(file) === 'nft' && args.includes('-f') && !args.includes('-c');
  const isIp =
    basename(file) === 'ip' && args.some((word) => ['-batch', 'add', 'del', 'replace', 'set'].includes(word));
  return isNft || isIp ? [file, ...args].join(' ') : undefined;
}

const { spawn } = child_process;
child_process.spawn = function (file, args, options) {
  const words = Array.isArray(args) ? args : [];
  const what = whatOfProgram(file, words);
  const end = what === undefined ? undefined : begin(what);
  const child = spawn.call(this, file, args, options);
  if (end !== undefined) child.once('exit', end);
  if (basename(file) === 'nft' && words.includes('-i')) {
    const { write } = child.stdin;
    child.stdin.write = function (chunk, ...others) {
      // It answers each with a line, whatever becomes of it.
      if (String(chunk).startsWith('include')) child.stderr.once('data', begin('nft -i'));
      return write.call(this, chunk, ...others);
    };
  }
  return child;
};

/** NFNL_MSG_BATCH_BEGIN: what changes tables begins with it. */
const batchBegin = 0x10;
if (!isMainThread) {
  const { default: koffi } = await import('koffi');
  const { load } = koffi;
  koffi.load = (...args) => {
    const library = load(...args);
    const { func } = library;
    return Object.assign(Object.create(library), {
      func(...declaration) {
        const call = func.apply(library, declaration);
        if (!String(declaration[0]).startsWith('long send(')) return call;
        const sends = { call };
        record(sends, 'call', (_, data) => (data.readUInt16LE(4) === batchBegin ? 'netlink batch' : undefined));
        return (...values) => sends.call(...values);
      },
    });
  };
}
syncBuiltinESMExports();
