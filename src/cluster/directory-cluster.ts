import type { ClusterChange, ClusterSnapshot } from '../model/cluster.js';
import { SingleRunner } from '../generic/single-runner.js';
import { FolderWatches } from './folder-watches.js';
import { Listeners } from './listeners.js';
import { readManifestFile, type FileContent } from './manifest-file.js';
import { describeProblem, inputProblem, refuseKustomizations, wholeOrError } from './manifest-problems.js';
import { describeDuplicate, ManifestSet, type FileEdits } from './manifest-set.js';
import { reasonOf, scanTree } from './manifest-tree.js';
import { InputError } from '../generic/input-error.js';
import { manifestsTouched, TouchedFiles, type TouchedManifests } from './touched-files.js';
import type { SourceChange, SourceProblem, SyncedCluster } from './types.js';

export interface DirectoryOptions {
  readonly directory: string;
  readonly onDebug?: (message: string) => void;
  readonly onError?: (message: string) => void;
}

/** From the first event to the scan: long enough for a burst, short against a second. Milliseconds. */
const settleTime = 5;
/**
 * Events can be missed (network file systems, exhausted watches), so everything is scanned this often; more seldom, so that
 * no more than a hundredth of the time goes into it, where the tree is large.
 */
const rescanEvery = 2000;
const rescanAtLeastEvery = 30_000;
const rescanShare = 100;
/** A file may be read while it is half written, so it is read again before it is reported as bad. */
const rereadAfter = 100;

/** The files of one directory, read completely, then followed: what cannot be read keeps its last good content. */
export class DirectoryCluster implements SyncedCluster {
  readonly #options: DirectoryOptions;
  readonly #listeners = new Listeners<SourceChange>();
  readonly #problemListeners = new Listeners<readonly SourceProblem[]>();
  readonly #watches: FolderWatches;
  readonly #signatures = new Map<string, string>();
  /** Files that could not be read as they are now, and what was wrong; their last good content is in `set`. */
  readonly #bad = new Map<string, readonly SourceProblem[]>();
  /** What was announced. */
  #set = new ManifestSet();
  #treeProblem: SourceProblem | undefined;
  #goneSince: number | undefined;
  /** Because of which the last edits were refused. */
  #duplicate: SourceProblem | undefined;
  #wakeTimer: NodeJS.Timeout | undefined;
  #rescanTimer: NodeJS.Timeout | undefined;
  #noticedAt: number | undefined;
  readonly #touched = new TouchedFiles();
  /** Milliseconds that the last scan of the whole tree took. */
  #scanTook = 0;
  readonly #scans: SingleRunner;
  #disposed = false;
  #reportedProblems = '[]';

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#watches = new FolderWatches(this.#wake, (folder, reason) =>
      options.onDebug?.(
        `${folder} cannot be watched (${reason}); it is scanned every ${rescanEvery / 1000} to ${rescanAtLeastEvery / 1000} s`,
      ),
    );
    // The scan itself reports what the file system refuses.
    this.#scans = new SingleRunner(
      () => this.#scan(),
      (error) => {
        throw error;
      },
    );
  }

  async readFirst(): Promise<void> {
    const { directory } = this.#options;
    const tree = await scanTree(directory).catch((error: unknown) => {
      throw new InputError(`${directory}: ${reasonOf(error)}`);
    });
    refuseKustomizations(directory, tree.files.keys());
    const contents = new Map<string, FileContent>();
    for (const [file, signature] of tree.files) {
      contents.set(file, await this.#read(file));
      this.#signatures.set(file, signature);
    }
    this.#set = wholeOrError(contents);
    this.#reportedProblems = JSON.stringify(this.problems());
    this.#watches.follow(tree.folders);
    this.#scheduleRescan();
    // One more scan finds what changed between the scan and the first watch.
    this.#wake();
  }

  snapshot(): ClusterSnapshot {
    return this.#set.snapshot();
  }

  problems(): readonly SourceProblem[] {
    const ofAll = [this.#treeProblem, this.#duplicate].filter((problem) => problem !== undefined);
    return [...ofAll, ...[...this.#bad.values()].flat(), ...this.#set.problems()];
  }

  staleSince(): number | undefined {
    return this.#goneSince;
  }

  onChange(listener: (change: SourceChange) => void): Disposable {
    return this.#listeners.add(listener);
  }

  onProblems(listener: (problems: readonly SourceProblem[]) => void): Disposable {
    return this.#problemListeners.add(listener);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    void this.#scans.stop();
    clearTimeout(this.#wakeTimer);
    clearTimeout(this.#rescanTimer);
    this.#watches[Symbol.dispose]();
  }

  #read = (file: string): Promise<FileContent> => readManifestFile(file, this.#options.onDebug);

  #wake = (path?: string): void => {
    if (this.#disposed) return;
    this.#touched.add(path);
    this.#noticedAt ??= performance.now();
    this.#wakeTimer ??= setTimeout(() => {
      this.#wakeTimer = undefined;
      this.#scans.request();
    }, settleTime);
  };

  #scheduleRescan(): void {
    const every = Math.min(Math.max(rescanEvery, this.#scanTook * rescanShare), rescanAtLeastEvery);
    this.#rescanTimer = setTimeout(() => {
      this.#touched.addAll();
      this.#scans.request();
      this.#scheduleRescan();
    }, every);
  }

  /** Changed files are read, and announced as one change. */
  async #scan(): Promise<void> {
    try {
      await this.#bringIn((await this.#touchedManifests()) ?? (await this.#allManifests()));
    } catch (error) {
      // The directory is gone or unreadable: a failure of the world, not an empty cluster.
      if (this.#disposed) return;
      const problem = inputProblem(
        `${error instanceof InputError ? error.message : `${this.#options.directory}: ${reasonOf(error)}`}; the last good state stays in force`,
      );
      if (this.#treeProblem === undefined) this.#options.onError?.(problem.diagnostic.message);
      this.#treeProblem = problem;
      this.#goneSince ??= performance.now();
      this.#noticedAt = undefined;
      this.#signatures.clear();
    }
    this.#announceProblems();
  }

  /** Undefined when the whole tree must be scanned: also while an object stands in two files, or the tree is gone. */
  async #touchedManifests(): Promise<TouchedManifests | undefined> {
    const paths = this.#touched.take();
    const isSettled = this.#treeProblem === undefined && this.#duplicate === undefined;
    return paths === undefined || !isSettled ? undefined : manifestsTouched(this.#signatures, paths);
  }

  async #allManifests(): Promise<TouchedManifests> {
    const began = performance.now();
    /** Their events have been dealt with since the scan began: what it has seen of them may be older. */
    const isNewer = new Set<string>();
    const meanwhile = (): Promise<void> => this.#bringInMeanwhile(isNewer);
    const { files, folders } = await scanTree(this.#options.directory, undefined, meanwhile);
    this.#scanTook = performance.now() - began;
    refuseKustomizations(this.#options.directory, files.keys());
    this.#treeProblem = undefined;
    this.#goneSince = undefined;
    this.#watches.follow(folders);
    const known = new Set([...this.#signatures.keys(), ...this.#bad.keys(), ...this.#set.files()]);
    const isOther = ([file, signature]: readonly [string, string]): boolean =>
      this.#signatures.get(file) !== signature && !isNewer.has(file);
    return {
      present: new Map([...files].filter(isOther)),
      gone: [...known].filter((file) => !files.has(file) && !isNewer.has(file)),
    };
  }

  /** The scan of a large tree takes long: a change of a file does not wait for its end. */
  async #bringInMeanwhile(isNewer: Set<string>): Promise<void> {
    if (this.#noticedAt === undefined || performance.now() - this.#noticedAt < settleTime) return;
    const touched = await this.#touchedManifests();
    for (const file of [...(touched?.present.keys() ?? []), ...(touched?.gone ?? [])]) isNewer.add(file);
    if (touched !== undefined) await this.#bringIn(touched);
    else this.#noticedAt = undefined;
    // What this scan may have passed already is found by the next, which the event has asked for.
    if (touched === undefined || this.#duplicate !== undefined) this.#touched.addAll();
  }

  async #bringIn(touched: TouchedManifests): Promise<void> {
    const noticedAt = this.#noticedAt ?? performance.now();
    this.#noticedAt = undefined;
    const changes = await this.#take(touched);
    if (changes.length > 0) this.#listeners.notify({ changes, noticedAt });
  }

  /** @returns what has changed by what the files hold now */
  async #take({ present, gone }: TouchedManifests): Promise<readonly ClusterChange[]> {
    const edits = new Map<string, FileContent | undefined>();
    for (const file of gone) {
      this.#forget(file);
      if (this.#set.has(file)) edits.set(file, undefined);
    }
    const read = await this.#readSettled([...present.keys()]);
    for (const [file, signature] of present) {
      const content = read.get(file);
      if (content === undefined || content.isGone === true) continue;
      this.#signatures.set(file, signature);
      if (content.errors.length > 0) {
        this.#noteBad(file, content.errors);
        continue;
      }
      this.#bad.delete(file);
      edits.set(file, content);
    }
    return this.#accept(edits);
  }

  /** A set in which an object appears twice is refused: the previous one stays in force, and the error names both positions. */
  #accept(edits: FileEdits): readonly ClusterChange[] {
    const edited = this.#set.edit(edits);
    if (!('duplicates' in edited)) {
      this.#duplicate = undefined;
      return edited.changes;
    }
    const message = edited.duplicates.slice(0, 1).map(describeDuplicate).join('');
    if (this.#duplicate?.diagnostic.message !== message)
      this.#options.onError?.(`${message} The last good state stays in force`);
    this.#duplicate = inputProblem(message);
    // They are read again with the next scan, so that the new content of other files is not lost.
    for (const file of edits.keys()) this.#signatures.delete(file);
    return [];
  }

  #forget(file: string): void {
    this.#signatures.delete(file);
    this.#bad.delete(file);
  }

  #noteBad(file: string, errors: readonly SourceProblem[]): void {
    this.#bad.set(file, errors);
    for (const error of errors)
      this.#options.onError?.(`${describeProblem(error)}; the file's last good content stays in force`);
  }

  /** Errors count only the second time: all files that have any are waited for together. */
  async #readSettled(files: readonly string[]): Promise<ReadonlyMap<string, FileContent>> {
    const read = new Map<string, FileContent>();
    for (const file of files) read.set(file, await this.#read(file));
    const suspects = [...read].filter(([, { isGone, errors }]) => isGone !== true && errors.length > 0);
    if (suspects.length === 0) return read;
    await new Promise((resolve) => setTimeout(resolve, rereadAfter));
    for (const [file] of suspects) read.set(file, await this.#read(file));
    return read;
  }

  #announceProblems(): void {
    const problems = this.problems();
    const text = JSON.stringify(problems);
    if (text === this.#reportedProblems) return;
    this.#reportedProblems = text;
    this.#problemListeners.notify(problems);
  }
}
