/** Which record somebody means. */
import type { RecordFields } from '../../audit/reading/line-reader.js';
import type { EndpointRole } from '../../audit/record.js';
import { parseAddress } from '../../model/address.js';
import { UsageError } from '../common/exit-codes.js';

export interface Sought {
  readonly title: string;
  readonly matches: (fields: RecordFields) => boolean;
}

/** @throws UsageError for what is neither an id nor the ends of a flow */
export function parseSought(record: string, destination: string | undefined, protocol: string | undefined): Sought {
  const title = [record, destination, protocol].filter((part) => part !== undefined).join(' ');
  if (destination !== undefined) {
    const ends = [atEnd('source', record), atEnd('destination', destination)];
    const transport = protocol?.toLowerCase();
    const ofProtocol = (fields: RecordFields): boolean =>
      transport === undefined || fields.get('network.transport') === transport;
    return { title, matches: (fields) => ofProtocol(fields) && ends.every((matches) => matches(fields)) };
  }
  if (parseAddress(record) !== undefined || /:\d+$/.test(record))
    throw new UsageError('give both ends of the flow: SOURCE[:PORT] DESTINATION[:PORT] [PROTOCOL]');
  const key = record.startsWith('1:') ? 'network.community_id' : 'event.id';
  return { title, matches: (fields) => fields.get(key) === record };
}

function atEnd(end: EndpointRole, text: string): Sought['matches'] {
  const [, bracketed, plain = bracketed ?? text, port] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d+))?$/.exec(text) ?? [];
  const address = parseAddress(plain);
  if (address === undefined) throw new UsageError(`${text} is no ADDRESS[:PORT] ([ADDRESS]:PORT for IPv6)`);
  return (fields) =>
    fields.get(`${end}.address`) === address && (port === undefined || fields.get(`${end}.port`) === Number(port));
}
