/** `podwall audit summary` over a million records of a busy cluster. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordLine } from '../../src/audit/record.js';
import { deniedRecord } from '../audit/records.js';
import { describeRun, repeated, runPodwall } from './command.js';
import type { BenchOptions, Figure } from './figures.js';

const goals = { seconds: 3, megabytes: 150 };

export async function measureAuditSummary({ fast }: BenchOptions): Promise<Figure[]> {
  const records = fast ? 50_000 : 1_000_000;
  const folder = await mkdtemp(join(tmpdir(), 'podwall-bench-audit-'));
  try {
    const log = join(folder, 'audit.jsonl');
    await writeLog(log, records);
    const run = await repeated(fast ? 1 : 3, () => runPodwall(['audit', 'summary', '--log', log]));
    return [
      {
        what: `(e) audit summary over ${records.toLocaleString('en')} records`,
        measured: describeRun(run),
        goal: `< ${goals.seconds} s, < ${goals.megabytes} MB`,
        met: run.seconds < goals.seconds && run.megabytes < goals.megabytes,
        values: { records, ...run },
      },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function writeLog(path: string, records: number): Promise<void> {
  const file = createWriteStream(path);
  const begin = Date.UTC(2026, 10, 22);
  for (let index = 0; index < records; index += 1) {
    const [client, server] = [index % 500, (index * 7) % 40];
    const line = recordLine(
      deniedRecord({
        '@timestamp': new Date(begin + index * 86).toISOString(),
        'event.id': `01JDADQ3V5Z0G0${String(index).padStart(12, '0')}`,
        'event.sequence': index + 1,
        'source.address': `10.0.${client >> 8}.${client & 255}`,
        'source.port': 32768 + (index % 28000),
        'source.k8s.pod.name': `web-7d4b9c6f5d-${client.toString(36).padStart(5, 'x')}`,
        'source.k8s.workload.name': `web-${client % 60}`,
        'destination.k8s.pod.name': `pg-${server}`,
        'destination.k8s.workload.kind': 'StatefulSet',
        'destination.k8s.workload.name': 'pg',
        'destination.port': [5432, 8080, 443, 53][index % 4] ?? 0,
        'podwall.count': 1 + (index % 50),
      }),
    );
    if (!file.write(line)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}
