import type { Decoded } from '../manifests/decode.js';
import { readDocuments, type ManifestDocument, type ManifestError } from '../manifests/documents.js';
import { changeKey, type ClusterChange } from '../model/cluster.js';
import { boundedDiagnostics, type Diagnostic } from '../model/diagnostic.js';
import { followedKind } from '../model/kind-lookup.js';
import { parseIdentity, type Identity } from '../model/parse.js';
import { readManifestText } from './manifest-text.js';
import { reasonOf } from './manifest-tree.js';
import type { SourceProblem } from './types.js';

/** One object of a file, as the change that adds it, with its position. */
export interface ManifestObject {
  readonly key: string;
  readonly change: ClusterChange;
  readonly file: string;
  readonly line: number;
}

/** The content of a file. With errors, none of it may be used. */
export interface FileContent {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly SourceProblem[];
  readonly errors: readonly SourceProblem[];
  /** The file no longer exists. */
  readonly isGone?: boolean;
}

/** Reads one manifest; text and positions are dropped, values and problems stay. */
export async function readManifestFile(
  file: string,
  onDebug: (message: string) => void = () => undefined,
): Promise<FileContent> {
  const content = { objects: [] as ManifestObject[], problems: [] as SourceProblem[], errors: [] as SourceProblem[] };
  const note = ({ line, column, message }: Omit<ManifestError, 'file' | 'isDuplicateKey'>): void => {
    content.errors.push({ file, line, column, diagnostic: { code: 'yaml', severity: 'error', path: [], message } });
  };
  let read: Decoded;
  try {
    read = await readManifestText(file);
  } catch (error) {
    note({ line: 1, column: 1, message: reasonOf(error) });
    return { ...content, isGone: (error as NodeJS.ErrnoException).code === 'ENOENT' };
  }
  const { documents, errors } = read.ok ? readDocuments(read.text, file) : { documents: [], errors: [read.error] };
  errors.forEach(note);
  for (const document of documents) readDocument(document, content, onDebug);
  return content;
}

function readDocument(
  document: ManifestDocument,
  content: { objects: ManifestObject[]; problems: SourceProblem[]; errors: SourceProblem[] },
  onDebug: (message: string) => void,
): void {
  const identity = parseIdentity(document.object);
  if (!identity.ok) {
    content.errors.push(...identity.diagnostics.map((one) => problemAt(document, undefined, one)));
    return;
  }
  const { value } = identity;
  const parsed = followedKind(value.apiVersion, value.kind)?.parse(document.object, { strict: true });
  if (parsed === undefined) {
    if (isMeantToIsolate(value)) content.problems.push(problemAt(document, value, notEnforced(value)));
    else onDebug(`${document.file}: ${value.kind} ${value.name} is ignored`);
    return;
  }
  const problems = boundedDiagnostics(parsed.diagnostics).map((one) => problemAt(document, value, one));
  if (!parsed.ok) {
    content.errors.push(...problems.filter(({ diagnostic }) => diagnostic.severity === 'error'));
    return;
  }
  content.problems.push(...problems);
  const change = parsed.value;
  content.objects.push({ key: changeKey(change), change, file: document.file, line: document.position([]).line });
}

/** Somebody relies on such an object for isolation, so a message says that it is not enforced. */
const isMeantToIsolate = ({ apiVersion, kind }: Identity): boolean =>
  (apiVersion.split('/')[0] ?? '').endsWith('networking.k8s.io') || kind.includes('NetworkPol');

const notEnforced = ({ apiVersion, kind }: Identity): Diagnostic => ({
  code: 'not-enforced',
  severity: 'warning',
  path: ['kind'],
  message: `${kind} of ${apiVersion} is not enforced by Podwall`,
});

function problemAt(document: ManifestDocument, identity: Identity | undefined, diagnostic: Diagnostic): SourceProblem {
  const { line, column } = document.position(diagnostic.at ?? diagnostic.path);
  const object = identity && {
    kind: identity.kind,
    name: identity.name,
    ...(identity.namespace === undefined ? {} : { namespace: identity.namespace }),
  };
  return { file: document.file, line, column, ...(object === undefined ? {} : { object }), diagnostic };
}
