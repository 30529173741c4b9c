// The official client's informer on the same server: `node informer.mjs KUBECONFIG COUNT` prints how many milliseconds it took to
// hold COUNT pods, and waits to be looked at.
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node';

const [, , file = '', count = '0'] = process.argv;
const config = new KubeConfig();
config.loadFromFile(file);
const api = config.makeApiClient(CoreV1Api);
const started = performance.now();
const informer = makeInformer(config, '/api/v1/pods', () => api.listPodForAllNamespaces());
await informer.start();
if (informer.list().length !== Number(count)) throw new Error(`${informer.list().length} pods`);
console.log(Math.round(performance.now() - started));
setInterval(() => undefined, 1000);
