export interface CniResultOptions {
  /** Absent: no pod of Kubernetes. */
  readonly uid?: string;
  /** With their prefix lengths. */
  readonly addresses: readonly string[];
  readonly interface?: string;
}

/** A file of /var/lib/cni/results as libcni writes it (github.com/containernetworking/cni, libcni/api.go, cachedInfo). */
export function cniResult({ uid, addresses, interface: ifName = 'eth0' }: CniResultOptions): string {
  return JSON.stringify({
    kind: 'cniCacheV1',
    containerId: '0a1b',
    config: Buffer.from('{"cniVersion":"1.0.0","name":"podnet","plugins":[]}').toString('base64'),
    ifName,
    networkName: 'podnet',
    cniArgs: [
      ['IgnoreUnknown', '1'],
      ...(uid === undefined
        ? []
        : [
            ['K8S_POD_NAMESPACE', 'x'],
            ['K8S_POD_NAME', 'web'],
            ['K8S_POD_UID', uid],
          ]),
    ],
    result: {
      cniVersion: '1.0.0',
      dns: {},
      interfaces: [{ name: 'cni0' }, { name: ifName, sandbox: '/var/run/netns/cni-0a1b' }],
      ips: addresses.map((address) => ({ address, interface: 1 })),
      routes: [{ dst: '0.0.0.0/0' }],
    },
  });
}
