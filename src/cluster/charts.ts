import { basename, dirname } from 'node:path';
import type { TextOrigin } from '../manifests/manifest-collector.js';

/** For each file the Helm chart that it belongs to: of a chart within a chart, the outer one is what Helm renders. */
export function chartsIn(files: readonly string[]): (file: string) => TextOrigin {
  const charts = files
    .filter((file) => /^Chart\.ya?ml$/.test(basename(file)))
    .map((file) => dirname(file))
    .sort((a, b) => a.length - b.length);
  return (file) => {
    const chart = charts.find((folder) => folder === '.' || file.startsWith(`${folder}/`));
    return chart === undefined ? {} : { chart };
  };
}
