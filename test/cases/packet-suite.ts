/** Tables on real packets as a test suite: one lab for all of them, a real agent on each node. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { missingApiServer } from '../support/kube-api-server.js';
import type { Plugin } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { PacketRunner } from './run-packets.js';
import type { Case } from './types.js';
import type { WrittenTo } from './written-cluster.js';

export interface PacketSuite {
  readonly plugin: Plugin;
  readonly cases: readonly Case[];
  /** A directory of manifests, unless told otherwise. */
  readonly to?: WrittenTo;
  /** The agents keep an audit log, so that their rules report packets too. */
  readonly hasAuditLog?: boolean;
  /** What another tenant does meanwhile: see `Lab.create`. */
  readonly tenantRow?: string;
  /** Of one table, in milliseconds. */
  readonly timeout?: number;
}

export function packetSuite(
  title: string,
  { plugin, cases, to = 'directory', hasAuditLog = false, tenantRow, timeout = 60_000 }: PacketSuite,
): void {
  describePackets(
    title,
    () => {
      let runner: PacketRunner;
      beforeAll(async () => {
        runner = await PacketRunner.create(plugin, 2, { to, hasAuditLog, tenantRow });
      }, 60_000);
      afterAll(() => runner[Symbol.asyncDispose](), 60_000);

      test.each(cases.map((table) => [`${table.id} ${table.title}`, table] as const))(
        '%s',
        async (_, table) => {
          const { wrong, asked } = await runner.run(table);
          expect(wrong).toEqual([]);
          expect(asked).toBeGreaterThan(0);
          if (tenantRow !== undefined) expect(runner.lab.tenantTurns).toBeGreaterThan(0);
        },
        timeout,
      );
    },
    to === 'directory' ? undefined : missingApiServer,
  );
}
