import type { Family } from '../../model/address.js';
import type { KeyType } from './types.js';

export const addressType = (family: Family): KeyType => (family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr');
