import { setTimeout as pause } from 'node:timers/promises';
import { ExecaError } from 'execa';
import type { Address } from '../../model/address.js';
import type { Attachment } from '../../model/attachment.js';
import type { Restart } from '../children/restart.js';
import { objectKey, type ObjectRef } from '../../model/pod.js';
import { locatePods, type PodLocation, type PodToAttach } from './attachments.js';
import { watchLinks } from './link-monitor.js';
import {
  askRoute,
  readLinks,
  readUdpEncapsulations,
  runner,
  type LinkReadings,
  type Route,
  type Run,
} from './link-readings.js';

export interface DiscoveredPods {
  readonly attachments: readonly Attachment[];
  readonly unattached: readonly { readonly pod: ObjectRef; readonly podUid: string; readonly reason: string }[];
}

interface Links {
  discover(pods: readonly PodToAttach[]): Promise<DiscoveredPods>;
  /** Devices with their ifindex, as the last discovery saw them. */
  devices(): Promise<ReadonlyMap<string, number>>;
  /** UDP ports of this node's tunnels that ask for no key, as the last discovery saw them. */
  tunnelPorts(): Promise<ReadonlySet<number>>;
  /** Wakes on every link and route event, and on neighbour events while a pod's device is not known. */
  watch(onWake: () => void, onRestart?: (restart: Restart) => void): Disposable;
}

/** Milliseconds to wait for a silent pod's answer to the first neighbour request, and between two readings meanwhile. */
const neighbourWait = 500;
const readAgainEvery = 40;
/** Milliseconds between two neighbour requests for a pod: a request raises neighbour events itself. */
const askAgainAfter = 2_000;

/** Milliseconds between two readings of what raises no event, and costs a process of its own. */
const encapsulationsEvery = 10_000;

/** The links of a network namespace; `prefix` enters another one, in tests. */
export function openLinks(prefix: readonly string[] = []): Links {
  const run = runner(prefix);
  let last: LinkReadings | undefined;
  let known: readonly Attachment[] = [];
  let asked: ReadonlyMap<string, number> = new Map();
  let encapsulations: { readonly ports: readonly number[]; readonly readAt: number } | undefined;
  const read = async (): Promise<LinkReadings> => (last ??= await readLinks(run));
  const readEncapsulations = async (): Promise<readonly number[]> => {
    encapsulations = { ports: await readUdpEncapsulations(run), readAt: performance.now() };
    return encapsulations.ports;
  };
  return {
    async discover(pods) {
      const found = await search(pods, run, { known, asked });
      last = found.readings;
      known = found.attachments;
      asked = found.asked;
      if (performance.now() - (encapsulations?.readAt ?? -Infinity) >= encapsulationsEvery) await readEncapsulations();
      return { attachments: found.attachments, unattached: found.unattached };
    },
    async devices() {
      const { links } = await read();
      return new Map(links.map(({ name, ifindex }) => [name, ifindex]));
    },
    async tunnelPorts() {
      const { links } = await read();
      const ofEncapsulations = encapsulations?.ports ?? (await readEncapsulations());
      return new Set([...links.flatMap(({ tunnelPort }) => tunnelPort ?? []), ...ofEncapsulations]);
    },
    watch: (onWake, onRestart = () => undefined) =>
      watchLinks(onWake, { prefix, neighbours: () => asked.size > 0, onRestart }),
  };
}

/** Finds the devices of `pods` in the namespace that `run` reads. @param known what an earlier discovery found */
export async function discoverAttachments(
  pods: readonly PodToAttach[],
  run: Run,
  known: readonly Attachment[] = [],
): Promise<DiscoveredPods> {
  const { attachments, unattached } = await search(pods, run, { known, asked: new Map() });
  return { attachments, unattached };
}

interface Memory {
  readonly known: readonly Attachment[];
  /** When pods that did not answer were asked. No discovery waits for them again: their answer raises an event. */
  readonly asked: ReadonlyMap<string, number>;
}

interface Found extends DiscoveredPods {
  readonly readings: LinkReadings;
  readonly asked: ReadonlyMap<string, number>;
}

async function search(pods: readonly PodToAttach[], run: Run, memory: Memory): Promise<Found> {
  const first = await readLinks(run);
  const answers = await askRoutes(elsewhere(pods, locatePods(pods, first, memory.known)), run);
  const { readings, asked } = await askSilent(pods, { ...first, answers }, { run, memory });
  const places = locatePods(pods, readings, memory.known);
  const silent = new Set(
    pods.map((_, index) => keyAt(pods, index)).filter((_, index) => places[index]?.kind === 'silent'),
  );
  return { ...sortOut(pods, places), readings, asked: new Map([...asked].filter(([key]) => silent.has(key))) };
}

const elsewhere = (pods: readonly PodToAttach[], places: readonly PodLocation[]): readonly Address[] =>
  pods.flatMap(({ addresses }, index) => (places[index]?.kind === 'elsewhere' ? addresses : []));

/** The main table is read once for all pods. The kernel is asked only for addresses that it does not explain. */
async function askRoutes(addresses: readonly Address[], run: Run): Promise<ReadonlyMap<Address, Route>> {
  const answers = new Map<Address, Route>();
  for (const address of addresses) {
    const route = await askRoute(run, address);
    if (route !== undefined) answers.set(address, route);
  }
  return answers;
}

/** A bridged pod that has sent nothing is in no table, and entries age out: makes the kernel send a neighbour request. */
async function askSilent(
  pods: readonly PodToAttach[],
  readings: LinkReadings,
  { run, memory }: { readonly run: Run; readonly memory: Memory },
): Promise<{ readings: LinkReadings; asked: ReadonlyMap<string, number> }> {
  const asked = new Map(memory.asked);
  const places = locatePods(pods, readings, memory.known);
  for (const [index, place] of places.entries()) {
    const key = keyAt(pods, index);
    if (place.kind !== 'silent' || performance.now() - (asked.get(key) ?? -Infinity) < askAgainAfter) continue;
    asked.set(key, performance.now());
    await askNeighbour(place.address, place.bridge, run);
  }
  const isWaitedFor = (place: PodLocation, index: number): boolean =>
    place.kind === 'silent' && !memory.asked.has(keyAt(pods, index));
  if (!places.some(isWaitedFor)) return { readings, asked };
  const deadline = performance.now() + neighbourWait;
  let now = readings;
  do {
    await pause(readAgainEvery);
    now = { ...readings, ...(await readLinks(run)) };
  } while (locatePods(pods, now, memory.known).some(isWaitedFor) && performance.now() < deadline);
  return { readings: now, asked };
}

const keyAt = (pods: readonly PodToAttach[], index: number): string => {
  const pod = pods[index]?.pod;
  return pod === undefined ? '' : objectKey(pod);
};

/** Deletes a stale entry first: the kernel would probe its hardware address for seconds before it asks all neighbours. */
async function askNeighbour(address: Address, bridge: string, run: Run): Promise<void> {
  for (const command of [
    ['del', address, 'dev', bridge],
    ['replace', address, 'dev', bridge, 'use'],
  ]) {
    try {
      await run(['ip', 'neigh', ...command]);
    } catch (error) {
      // There is no such entry, or the bridge was removed meanwhile: the next reading shows it.
      if (!(error instanceof ExecaError) || error.exitCode === undefined) throw error;
    }
  }
}

function sortOut(pods: readonly PodToAttach[], places: readonly PodLocation[]): DiscoveredPods {
  return {
    attachments: places.flatMap((place) => (place.kind === 'attached' ? [place.attachment] : [])),
    unattached: pods.flatMap(({ pod, podUid }, index) => {
      const place = places[index];
      return place === undefined || place.kind === 'attached' ? [] : [{ pod, podUid, reason: place.reason }];
    }),
  };
}
