/** The endpoints of a packet's flow, as they were when the packet arrived. */
import { ipProtocols, type Observation } from '../../model/observation.js';
import type { Orientation } from '../../program/logged-chain.js';
import type { EndpointRole } from '../record.js';
import type { AddressIdentities } from './address-identities.js';
import type { PacketEndpoint } from './logged-packet.js';

export function endpointsOf(
  packet: Observation,
  orientation: Orientation,
  identities: AddressIdentities,
): readonly [source: PacketEndpoint, destination: PacketEndpoint] {
  const sender = endpointOf(packet, 'source', identities);
  const receiver = endpointOf(packet, 'destination', identities);
  const [source, destination] = orientation === 'reply' ? [receiver, sender] : [sender, receiver];
  const namedPort = namedPortOf(destination, packet.protocol);
  return [source, namedPort === undefined ? destination : { ...destination, namedPort }];
}

function endpointOf(packet: Observation, role: EndpointRole, identities: AddressIdentities): PacketEndpoint {
  const address = packet[role];
  const port = packet.ports?.[role];
  return { address, ...(port === undefined ? {} : { port }), ...identities.at(address, packet.time) };
}

const protocolNames: Readonly<Record<number, string>> = {
  [ipProtocols.tcp]: 'TCP',
  [ipProtocols.udp]: 'UDP',
  [ipProtocols.sctp]: 'SCTP',
};

const namedPortOf = ({ pod, port }: PacketEndpoint, protocol: number): string | undefined =>
  pod?.ports.find((one) => one.port === port && one.protocol === protocolNames[protocol])?.name;
