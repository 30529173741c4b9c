/**
 * Follows one kind of object:
 *
 *   list (streamed, else in pages) --everything--> watch --events--> ... --410 Gone--> list again
 *
 * What vanished while nobody watched is found by comparison. Nothing is forgotten while the server is away.
 */
import { ApiError } from './api-errors.js';
import type { ApiConnection } from './connection.js';
import { describeFailure, Failures, type RetryTimes } from './failures.js';
import { listPages, selectorQuery } from './list-pages.js';
import type { ApiKind, ReadObject } from './api-kinds.js';

interface ReflectorEvents {
  /** Everything there is, after a list. */
  readonly onList: (objects: readonly ReadObject[]) => void;
  readonly onEvent: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ReadObject) => void;
  /** The server has answered: a list has ended, a watch goes on. */
  readonly onContact: () => void;
  /** Contact was lost; the reflector tries again. */
  readonly onInterruption: (message: string) => void;
}

export interface ReflectorTimes extends RetryTimes {
  /** A watch that is silent for so many milliseconds is taken for dead; bookmarks come about once a minute. */
  readonly silence: number;
  /** A streamed list that brings nothing, not even its end, for so many milliseconds is given up. */
  readonly streamedList: number;
}

export const defaultTimes: ReflectorTimes = {
  silence: 90_000,
  streamedList: 30_000,
  firstRetry: 200,
  longestRetry: 10_000,
  healthy: 120_000,
};

/** The server ends a watch after so many seconds, plus up to a tenth, so that a thousand agents do not return at once. */
const watchSeconds = 290;

/** Milliseconds. A watch that ends before, and has brought nothing, is a failure, however the server ends it. */
const shortestWatch = 1000;

interface WatchEvent {
  readonly type: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/** The server no longer has the history since our version. */
class Gone extends Error {
  override readonly name = 'Gone';
}

/** The server does not stream lists: too old, switched off, or its etcd cannot. */
class NotStreamed extends Error {
  override readonly name = 'NotStreamed';
}

export class Reflector {
  readonly #connection: ApiConnection;
  readonly #kind: ApiKind;
  readonly #events: ReflectorEvents;
  readonly #times: ReflectorTimes;
  #version: string | undefined;
  #streams = true;
  readonly #failures: Failures;
  /** Events of all watches. */
  #brought = 0;

  constructor(connection: ApiConnection, kind: ApiKind, events: ReflectorEvents, times = defaultTimes) {
    this.#connection = connection;
    this.#kind = kind;
    this.#events = events;
    this.#times = times;
    this.#failures = new Failures(times);
  }

  /** Lists and watches until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const isOver = (): boolean => signal.aborted;
    while (!isOver()) {
      const began = performance.now();
      const brought = this.#brought;
      const error: unknown = await this.#follow(signal).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (isOver()) return;
      const isShort = performance.now() - began < shortestWatch;
      if (error === undefined && !isShort) continue;
      if (error instanceof Gone) {
        this.#version = undefined;
        this.#failures.add();
      } else if (error !== undefined) this.#interrupted(error);
      else if (this.#brought === brought)
        this.#interrupted(new Error('the server ends a watch as soon as it has begun'));
      await this.#failures.backOff(signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    if (this.#version === undefined) {
      if (this.#streams && (await this.#listAndWatch(signal))) return;
      await this.#listInPages(signal);
    }
    await this.#watch(signal);
  }

  /** A streaming list goes on as the watch. @returns false when the server does not stream lists */
  async #listAndWatch(signal: AbortSignal): Promise<boolean> {
    // What we need of each object is taken at once: whole ones would be gigabytes.
    const list = { objects: [] as ReadObject[], complete: false as boolean };
    const tooLong = new AbortController();
    const timer = setTimeout(() => tooLong.abort(), this.#times.streamedList);
    const query = `sendInitialEvents=true&resourceVersionMatch=NotOlderThan&${watchQuery()}`;
    try {
      await this.#stream(query, AbortSignal.any([signal, tooLong.signal]), (event) => {
        if (list.complete) this.#take(event);
        else if (event.type === 'ADDED' || event.type === 'MODIFIED') {
          timer.refresh();
          list.objects.push(this.#kind.read(event.object));
        } else if (event.type === 'ERROR') throw errorIn(event, new NotStreamed(messageIn(event)));
        else if (isEndOfList(event)) {
          clearTimeout(timer);
          list.complete = true;
          this.#version = versionOf(event.object);
          this.#events.onContact();
          this.#events.onList(list.objects.splice(0));
        }
      });
      if (!list.complete) throw new NotStreamed('the stream ended before the list was complete');
      return true;
    } catch (error) {
      if (list.complete || signal.aborted || !(tooLong.signal.aborted || refusesStreams(error))) throw error;
      this.#streams = false;
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  async #listInPages(signal: AbortSignal): Promise<void> {
    const listed: ReadObject[] = [];
    const pages = listPages(this.#connection, this.#kind, signal);
    let version = '';
    try {
      for await (const { items = [], metadata } of pages) {
        for (const item of items) listed.push(this.#kind.read(item));
        version = metadata?.resourceVersion ?? version;
      }
    } catch (error) {
      // The pages' snapshot has expired: begin again.
      throw goneIfSo(error);
    }
    this.#version = version;
    this.#events.onContact();
    this.#events.onList(listed);
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const query = `resourceVersion=${encodeURIComponent(this.#version ?? '')}&${watchQuery()}`;
    try {
      await this.#stream(query, signal, (event) => {
        if (event.type === 'ERROR') throw errorIn(event, new ApiError(500, messageIn(event)));
        this.#take(event);
      });
    } catch (error) {
      throw goneIfSo(error);
    }
  }

  #stream(query: string, signal: AbortSignal, onEvent: (event: WatchEvent) => void): Promise<void> {
    const { path, fieldSelector } = this.#kind;
    return this.#connection.stream(`${path}?${query}${selectorQuery(fieldSelector)}`, {
      signal,
      silence: this.#times.silence,
      onLine: (line) => onEvent(this.#kind.parseEvent(line) as WatchEvent),
      onOpen: () => {
        // A watch that resumes has lost nothing: being let in is the sign.
        if (this.#version !== undefined) this.#events.onContact();
      },
    });
  }

  #take({ type, object }: WatchEvent): void {
    this.#version = versionOf(object) ?? this.#version;
    this.#brought += 1;
    this.#events.onContact();
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED')
      this.#events.onEvent(type, this.#kind.read(object));
  }

  #interrupted(error: unknown): void {
    this.#failures.add();
    this.#events.onInterruption(describeFailure(error, this.#kind));
  }
}

const watchQuery = (): string => {
  const seconds = Math.round(watchSeconds * (1 + Math.random() / 10));
  return `watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}`;
};

function versionOf(object: Readonly<Record<string, unknown>>): string | undefined {
  const metadata = object['metadata'] as { resourceVersion?: string } | undefined;
  return metadata?.resourceVersion;
}

function isEndOfList({ type, object }: WatchEvent): boolean {
  if (type !== 'BOOKMARK') return false;
  const metadata = object['metadata'] as { annotations?: Record<string, string> } | undefined;
  return metadata?.annotations?.['k8s.io/initial-events-end'] === 'true';
}

const messageIn = ({ object }: WatchEvent): string =>
  typeof object['message'] === 'string' ? object['message'] : JSON.stringify(object).slice(0, 200);

/** 410 as an answer. */
const goneIfSo = (error: unknown): unknown =>
  error instanceof ApiError && error.status === 410 ? new Gone(error.message) : error;

/** 410 in the stream is what 410 as an answer is. */
const errorIn = (event: WatchEvent, otherwise: Error): Error =>
  event.object['code'] === 410 ? new Gone(messageIn(event)) : otherwise;

const refusesStreams = (error: unknown): boolean =>
  error instanceof NotStreamed ||
  (error instanceof ApiError &&
    error.status >= 400 &&
    error.status < 500 &&
    ![401, 403, 410, 429].includes(error.status));
