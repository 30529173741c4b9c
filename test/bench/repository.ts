/**
 * A made-up repository of manifests, as teams write them: policies by application and, where they are wanted, its
 * Deployment and Service. The same at every run.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface RepositorySize {
  readonly applications: number;
  /** Applications in one file. */
  readonly together: number;
  readonly policiesEach: 1 | 4;
  readonly workloads: boolean;
}

const namespaces = 50;
const names = ['gateway', 'web', 'orders', 'billing', 'search', 'profile', 'mailer', 'reports', 'cache', 'postgres'];

interface Application {
  readonly number: number;
  readonly namespace: string;
  readonly name: string;
  /** Who calls it, and whom it calls. */
  readonly caller: string;
  readonly callee: string;
  readonly port: number;
}

export async function writeRepository(folder: string, size: RepositorySize): Promise<void> {
  for (let number = 0; number < size.applications; number += size.together) {
    const first = applicationNumbered(number);
    const below = join(folder, first.namespace);
    await mkdir(below, { recursive: true });
    const documents = Array.from({ length: size.together }, (_, index) => documentsOf(number + index, size));
    await writeFile(join(below, `${first.name}-${number}.yaml`), documents.flat().join('---\n'));
  }
}

function documentsOf(number: number, { policiesEach, workloads }: RepositorySize): readonly string[] {
  const application = applicationNumbered(number);
  const policies = [callers, metrics, egress, special].map((make) => make(application));
  // Not by the number alone: four divides what tells namespaces and names apart.
  const turn = (number + Math.floor(number / namespaces)) % 4;
  return [
    ...(policiesEach === 4 ? policies : policies.slice(turn, turn + 1)),
    ...(workloads ? [deployment(application), service(application)] : []),
  ];
}

function applicationNumbered(number: number): Application {
  const within = Math.floor(number / namespaces);
  const nameOf = (index: number): string => {
    const round = Math.floor(index / names.length);
    return `${names[index % names.length] ?? ''}${round === 0 ? '' : `-${round}`}`;
  };
  return {
    number,
    namespace: `team-${number % namespaces}`,
    name: nameOf(within),
    caller: nameOf(Math.max(within - 1, 0)),
    callee: nameOf(within + 1),
    port: [8080, 3000, 9000, 5432][within % 4] ?? 8080,
  };
}

const head = ({ namespace, name }: Application, suffix: string): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: ${name}-${suffix}
  namespace: ${namespace}
  labels:
    app.kubernetes.io/name: ${name}
    app.kubernetes.io/managed-by: argocd
`;

const callers = (application: Application): string => `# Who may call ${application.name}.
${head(application, 'callers')}spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: ${application.name}
  policyTypes:
    - Ingress
  ingress:
    - from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: ${application.caller}
        - podSelector:
            matchExpressions:
              - key: role
                operator: In
                values: ["migration", 'smoke-test']
      ports:
        - protocol: TCP
          port: ${application.port}
`;

const metrics = (application: Application): string => `${head(application, 'metrics')}spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: ${application.name}}}
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: monitoring
      podSelector:
        matchLabels:
          app.kubernetes.io/name: prometheus
    ports:
    - {protocol: TCP, port: metrics}
`;

const egress = (application: Application): string => `${head(application, 'egress')}spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: ${application.name}
  policyTypes: ["Egress"]
  egress:
    # name resolution
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
          podSelector:
            matchLabels:
              k8s-app: kube-dns
      ports:
        - protocol: UDP
          port: 53
        - protocol: TCP
          port: 53
    - to:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: ${application.callee}
      ports:
        - port: ${application.port}${application.number % 5 === 0 ? '' : '\n          protocol: TCP'}
`;

/** One deny by default in each namespace, and what only some applications need. */
function special(application: Application): string {
  const { number, name } = application;
  const within = Math.floor(number / namespaces);
  if (within === 0)
    return `${head(application, 'default-deny')}spec:
  podSelector: {}
  policyTypes:
  - Ingress
  - Egress
`;
  const subject = `spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: ${name}
  policyTypes:
`;
  if (within % 3 === 1)
    return `${head(application, 'internet')}${subject}    - Egress
  egress:
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except:
              - 10.0.0.0/8
              - 172.16.0.0/12
              - 192.168.0.0/16
      ports:
        - port: 443
          protocol: TCP
    - to:
        - ipBlock:
            cidr: 203.0.${number % 256}.${number % 20 === 0 ? 1 : 0}/24
      ports:
        - port: 5000
          endPort: 5010
          protocol: TCP
`;
  return `${head(application, 'partners')}${subject}    - Ingress
  ingress:
    - from:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: team-${(number * 7) % namespaces}
          podSelector:
            matchLabels:
              app.kubernetes.io/name: gateway
      ports:
        - port: http
          protocol: TCP
`;
}

const deployment = ({ namespace, name, port, number }: Application): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  replicas: ${1 + (number % 3)}
  selector:
    matchLabels:
      app.kubernetes.io/name: ${name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: ${name}
        app.kubernetes.io/version: "1.${number % 9}"
    spec:
      containers:
        - name: main
          image: registry.example.com/${name}:1.${number % 9}
          args:
            - --listen=:${port}
            - --log-level=info
          env:
            - name: LOG_FORMAT
              value: json
            - name: DATABASE_URL
              valueFrom:
                secretKeyRef:
                  name: ${name}-database
                  key: url
          ports:
            - name: http
              containerPort: ${port}
            - name: metrics
              containerPort: 9090
          readinessProbe:
            httpGet:
              path: /ready
              port: http
            periodSeconds: 5
          resources:
            requests:
              cpu: 100m
              memory: 128Mi
            limits:
              memory: 256Mi
`;

const service = ({ namespace, name }: Application): string => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  selector:
    app.kubernetes.io/name: ${name}
  ports:
    - name: http
      port: 80
      targetPort: http
`;
