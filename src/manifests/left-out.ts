/** What of an input is no part of the answer, one line each. */
export interface LeftOut {
  /** What Podwall has no use for: templates without a policy, documents that are not Kubernetes objects, other projects' kinds. */
  readonly skipped: readonly string[];
  /** What could not be read: the answer is partial. */
  readonly unparsed: readonly string[];
  /** What Helm or kustomize must build first: the answer is partial as well. */
  readonly unbuilt: readonly string[];
}

interface Template {
  readonly file: string;
  /** The folder of the chart that it is in. */
  readonly chart: string | undefined;
  readonly namesPolicy: boolean;
}

export interface LeftOutOptions {
  /** Whether the user does not want to hear of a file that is not read. */
  readonly isIgnored?: (file: string) => boolean;
  /** Each file is named. */
  readonly verbose?: boolean;
}

/** Gathers what is left out; of a chart's templates there is one line together. */
export class LeftOutCollector {
  readonly #isIgnored: (file: string) => boolean;
  readonly #skipped: string[] = [];
  readonly #unparsed: string[] = [];
  readonly #unbuilt: string[] = [];
  readonly #noObjects: { readonly file: string; readonly line: string }[] = [];
  readonly #isVerbose: boolean;
  readonly #templates: Template[] = [];

  constructor({ isIgnored = () => false, verbose = false }: LeftOutOptions = {}) {
    this.#isIgnored = isIgnored;
    this.#isVerbose = verbose;
  }

  /** A document that no Kubernetes reads: of many there is one line. */
  noObject(file: string, line: string): void {
    if (!this.#isIgnored(file)) this.#noObjects.push({ file, line });
  }

  /** @param line what must be built first */
  unbuilt(line: string): void {
    this.#unbuilt.push(line);
  }

  skip(file: string, line: string): void {
    if (!this.#isIgnored(file)) this.#skipped.push(line);
  }

  refuse(file: string, line: string): void {
    if (!this.#isIgnored(file)) this.#unparsed.push(line);
  }

  template(text: string, file: string, chart: string | undefined): void {
    if (!this.#isIgnored(file)) this.#templates.push({ file, chart, namesPolicy: namesPolicy(text) });
  }

  #noObjectLines(): readonly string[] {
    const files = new Set(this.#noObjects.map(({ file }) => file)).size;
    if (this.#isVerbose || files <= 1) return this.#noObjects.map(({ line }) => line);
    return [`${files} files hold no Kubernetes object; --verbose lists them`];
  }

  lines(): LeftOut {
    const alone = this.#templates.filter(({ chart }) => chart === undefined);
    const charts = new Map<string, boolean>();
    for (const { chart, namesPolicy } of this.#templates)
      if (chart !== undefined) charts.set(chart, namesPolicy || charts.get(chart) === true);
    const chartLines = (isOfPolicy: boolean): string[] =>
      [...charts].filter(([, one]) => one === isOfPolicy).map(([chart]) => chartText(chart));
    const aloneLines = (isOfPolicy: boolean): string[] =>
      alone.filter((one) => one.namesPolicy === isOfPolicy).map(({ file }) => templateText(file));
    return {
      skipped: [...this.#skipped, ...this.#noObjectLines(), ...chartLines(false), ...aloneLines(false)],
      unparsed: this.#unparsed,
      unbuilt: [...this.#unbuilt, ...chartLines(true), ...aloneLines(true)],
    };
  }
}

const templateText = (file: string): string => `${file}: this is a template, not YAML: render it first`;

const chartText = (chart: string): string =>
  `${chart}: a Helm chart, whose templates are not YAML: helm template ${chart} | podwall lint -f -`;

/** Whether a text that cannot be read may hold a policy. */
const namesPolicy = (text: string): boolean => /\bkind["']?\s*:\s*["']?\w*NetworkPolicy/.test(text);

/**
 * Whether a document without kind and apiVersion is meant to be an object all the same: with capitals, or with characters
 * that nobody sees, in the names of its fields. Values of charts may have a field `kind`, but are no policies.
 */
export function isMeantAsObject(fields: Readonly<Record<string, unknown>>): boolean {
  const named = new Map(
    Object.entries(fields).map(([name, value]) => [name.replace(/[^A-Za-z]/g, '').toLowerCase(), value]),
  );
  const kind = named.get('kind');
  return named.has('kind') && (named.has('apiversion') || (typeof kind === 'string' && kind.includes('NetworkPolicy')));
}
