/** Selects the record that somebody asks about. */
import type { RecordFields } from '../reading/line-reader.js';
import type { EndpointRole } from '../record.js';
import { parseAddress } from '../../model/address.js';
import { InputError } from '../../generic/input-error.js';

export interface RecordSelector {
  readonly title: string;
  readonly matches: (fields: RecordFields) => boolean;
  /** Whether a scan is the one that is asked for, or of the sender of the flow that is. */
  readonly isOfSender: (fields: RecordFields) => boolean;
}

/** @throws InputError for what is neither an id nor the source and destination of a flow */
export function parseRecordSelector(
  record: string,
  destination: string | undefined,
  protocol: string | undefined,
): RecordSelector {
  const title = [record, destination, protocol].filter((part) => part !== undefined).join(' ');
  if (destination !== undefined) {
    const endpoints = [atEndpoint('source', record), atEndpoint('destination', destination)];
    const transport = protocol?.toLowerCase();
    const ofProtocol = (fields: RecordFields): boolean =>
      transport === undefined || fields.get('network.transport') === transport;
    return {
      title,
      matches: (fields) => ofProtocol(fields) && endpoints.every((matches) => matches(fields)),
      isOfSender: atEndpoint('source', record.replace(/(?<=^[\d.]+|\]):\d+$/, '')),
    };
  }
  if (parseAddress(record) !== undefined || /:\d+$/.test(record))
    throw new InputError('give source and destination of the flow: SOURCE[:PORT] DESTINATION[:PORT] [PROTOCOL]');
  const key = record.startsWith('1:') ? 'network.community_id' : 'event.id';
  const matches = (fields: RecordFields): boolean => fields.get(key) === record;
  return { title, matches, isOfSender: matches };
}

function atEndpoint(endpoint: EndpointRole, text: string): RecordSelector['matches'] {
  const [, bracketed, plain = bracketed ?? text, port] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d+))?$/.exec(text) ?? [];
  const address = parseAddress(plain);
  if (address === undefined) throw new InputError(`${text} is not ADDRESS[:PORT] ([ADDRESS]:PORT for IPv6)`);
  return (fields) =>
    fields.get(`${endpoint}.address`) === address &&
    (port === undefined || fields.get(`${endpoint}.port`) === Number(port));
}
