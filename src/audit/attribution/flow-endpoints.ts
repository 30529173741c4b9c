/** The two ends of a packet's flow, as they were when it came by. */
import { ipProtocols, type Observation } from '../../model/observation.js';
import type { PacketEndpoint } from './logged-packet.js';
import type { AddressIdentities } from './address-identities.js';

/** How a packet lies in its flow; `reply`: its source and destination are the flow's, swapped. */
export type Orientation = 'original' | 'reply' | 'packet';

export function endpointsOf(
  packet: Observation,
  orientation: Orientation,
  identities: AddressIdentities,
): readonly [source: PacketEndpoint, destination: PacketEndpoint] {
  const sender = endOf(packet, 'source', identities);
  const receiver = endOf(packet, 'destination', identities);
  const [source, destination] = orientation === 'reply' ? [receiver, sender] : [sender, receiver];
  const namedPort = namedPortOf(destination, packet.protocol);
  return [source, namedPort === undefined ? destination : { ...destination, namedPort }];
}

function endOf(packet: Observation, which: 'source' | 'destination', identities: AddressIdentities): PacketEndpoint {
  const address = packet[which];
  const port = packet.ports?.[which];
  return { address, ...(port === undefined ? {} : { port }), ...identities.at(address, packet.time) };
}

const protocolNames: Readonly<Record<number, string>> = {
  [ipProtocols.tcp]: 'TCP',
  [ipProtocols.udp]: 'UDP',
  [ipProtocols.sctp]: 'SCTP',
};

const namedPortOf = ({ pod, port }: PacketEndpoint, protocol: number): string | undefined =>
  pod?.ports.find((one) => one.port === port && one.protocol === protocolNames[protocol])?.name;
