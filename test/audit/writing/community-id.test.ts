import { expect, test } from '@jest/globals';
import { communityId } from '../../../src/audit/writing/community-id.js';
import type { Address } from '../../../src/model/address.js';

/** From the reference implementation's baseline (corelight/community-id-spec) and tests (corelight/pycommunityid). */
const vectors: readonly (readonly [number, string, string, readonly [number, number] | undefined, string])[] = [
  [6, '128.232.110.120', '66.35.250.204', [34855, 80], '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  [6, '66.35.250.204', '128.232.110.120', [80, 34855], '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
  [6, '10.0.0.1', '10.0.0.2', [10, 11569], '1:SXBGMX1lBOwhhoDrZynfROxnhnM='],
  [
    6,
    '2001:470:e5bf:dead:4957:2174:e82c:4887',
    '2607:f8b0:400c:c03::1a',
    [63943, 25],
    '1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=',
  ],
  [17, '192.168.1.52', '8.8.8.8', [54585, 53], '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  [17, '8.8.8.8', '192.168.1.52', [53, 54585], '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
  [132, '192.168.170.8', '192.168.170.56', [7, 80], '1:jQgCxbku+pNGw8WPbEc/TS/uTpQ='],
  [132, '192.168.170.56', '192.168.170.8', [80, 7], '1:jQgCxbku+pNGw8WPbEc/TS/uTpQ='],
  [1, '192.168.0.89', '192.168.0.1', [8, 0], '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
  [1, '192.168.0.1', '192.168.0.89', [0, 8], '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
  [1, '192.168.0.89', '192.168.0.1', [20, 0], '1:3o2RFccXzUgjl7zDpqmY7yJi8rI='],
  [1, '192.168.0.89', '192.168.0.1', [20, 1], '1:tz/fHIDUHs19NkixVVoOZywde+I='],
  [58, 'fe80::200:86ff:fe05:80da', 'fe80::260:97ff:fe07:69ea', [135, 0], '1:dGHyGvjMfljg6Bppwm3bg0LO8TY='],
  [58, 'fe80::260:97ff:fe07:69ea', 'fe80::200:86ff:fe05:80da', [136, 0], '1:dGHyGvjMfljg6Bppwm3bg0LO8TY='],
  [58, '3ffe:507:0:1:200:86ff:fe05:80da', '3ffe:507:0:1:260:97ff:fe07:69ea', [3, 0], '1:/OGBt9BN1ofenrmSPWYicpij2Vc='],
  [46, '10.1.12.1', '10.1.12.2', undefined, '1:KHlLkgoJW7ifUTyTSgyVfkFHzKw='],
  [46, '10.1.24.4', '10.1.12.1', undefined, '1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4='],
];

test.each(vectors)('protocol %i, %s to %s, ports %j: %s', (protocol, source, destination, ports, id) => {
  const endpoints = { source: source as Address, destination: destination as Address };
  expect(communityId({ protocol, ...endpoints, ...(ports === undefined ? {} : { ports }) })).toBe(id);
});
