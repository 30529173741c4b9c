/**
 * Every metric of the agent: what is scraped, what the dashboard draws, what alerts ask for. Its value is defined in
 * state-metrics.ts (what the agent knows anyway), agent-metrics.ts (what happens), policy-metrics.ts (packets, by policy) or
 * audit-metrics.ts; helm/podwall has the dashboard and the alerts.
 */
export const metricNames = {
  policies: ['podwall_policies', 'NetworkPolicies of the cluster'],
  failing: ['podwall_policies_failing_closed', 'Policies that are not valid and allow nothing'],
  limit: ['podwall_limit', 'Limits of this agent (--max-…), by limit; that of policyMemory is in bytes'],
  overLimit: ['podwall_limit_exceeded', 'Policies, namespaces or pods that are over a limit, by limit'],
  policyMemory: ['podwall_policy_memory_bytes', 'Memory that the policies of this node take, by estimate'],
  endpoints: ['podwall_endpoints', 'Pods of this node that are enforced'],
  unattached: ['podwall_endpoints_unattached', 'Pods of this node whose traffic does not pass its forward path'],
  unfiltered: [
    'podwall_endpoints_unfiltered',
    'Pods on a bridge of this node whose frames do not reach the rules (bridge-nf-call-iptables)',
  ],
  sets: ['podwall_nft_sets', 'Sets and maps of the policy table'],
  elements: ['podwall_nft_elements', 'Elements of those sets and maps, without those that packets add'],
  rules: ['podwall_nft_rules', 'Rules of the policy table'],
  chains: ['podwall_nft_chains', 'Chains of the policy table'],
  applied: [
    'podwall_network_programming_duration_seconds',
    'Time from the first change of a batch to its rules in the kernel',
  ],
  transactions: ['podwall_nft_transactions_total', 'Transactions given to nft, by outcome'],
  changed: ['podwall_nft_elements_changed_total', 'Elements added to sets and maps or deleted from them'],
  failures: ['podwall_sync_errors_total', 'Failed attempts to change the kernel or to read it back; each is retried'],
  repairs: ['podwall_drift_repairs_total', 'Times that a change of the tables by another program was undone'],
  childRestarts: [
    'podwall_child_restarts_total',
    'Times that nft, nft monitor, ip monitor or the thread that hears commits was started again, by child and reason',
  ],
  revision: ['podwall_revision', 'Revision of the policies in force'],
  lastApplied: ['podwall_last_applied_timestamp_seconds', 'When the last change came into force'],
  ready: ['podwall_ready', '1 when the whole cluster has been read and is enforced'],
  stale: [
    'podwall_source_staleness_seconds',
    'Time since the agent lost touch with the cluster; 0 while it follows changes',
  ],
  restarts: ['podwall_watch_restarts_total', 'Lists and watches that failed and were restarted'],
  received: ['podwall_source_received_bytes_total', 'Bytes read from the API server'],
  allowed: [
    'podwall_policy_allowed_packets_total',
    'Packets that policies were evaluated for and one allowed; the verdict cache is not counted',
  ],
  denied: ['podwall_policy_denied_packets_total', 'Packets denied, by all policies that isolate the pod'],
  dropped: [
    'podwall_dropped_packets_total',
    'Packets that no policy allows or denies, dropped to or from an isolated or unknown pod, by reason (untracked, invalid, …)',
  ],
  dryRunAllow: [
    'podwall_policy_dry_run_allowed_packets_total',
    'Denied packets that a policy in a dry run would allow',
  ],
  dryRunDeny: ['podwall_policy_dry_run_denied_packets_total', 'Allowed packets that policies in a dry run would deny'],
  unreadCounters: [
    'podwall_policy_counter_read_errors_total',
    'Scrapes for which the counters of policies could not be read: their series stood still',
  ],
  counterResets: [
    'podwall_policy_counter_resets_total',
    'Counters of policies that another program removed or reset: packets since the last reading are in no series',
  ],
  auditReading: ['podwall_audit_reading', '1 while the agent receives packets for the audit log'],
  auditWriting: ['podwall_audit_writing', '0 while records cannot be written: they wait, then are lost'],
  auditPackets: [
    'podwall_audit_packets_total',
    'Packets for the audit log by outcome: observed = written + aggregated + suppressed + lost + in flight',
  ],
  auditLost: [
    'podwall_audit_lost_packets_total',
    'Packets for the audit log that no record covers, by cause; by rotation: their records were removed with the file',
  ],
  auditInFlight: [
    'podwall_audit_in_flight_packets',
    'Packets for the audit log that are not yet read, aggregated or written',
  ],
  conntrackEntries: ['podwall_conntrack_entries', 'Flows of the node that conntrack knows'],
  conntrackLimit: [
    'podwall_conntrack_entries_limit',
    'Flows that conntrack has room for; beyond it the kernel drops every new one (nf_conntrack_max)',
  ],
  reportFailures: ['podwall_reports_failed_total', 'Writes of Events and NodePolicyStatus that failed, by kind'],
  lag: ['podwall_event_loop_lag_seconds', 'Longest delay of the event loop since the last scrape'],
  memory: ['process_resident_memory_bytes', 'Resident memory of the agent'],
  cpu: ['process_cpu_seconds_total', 'CPU time of the agent, without that of nft'],
} as const satisfies Readonly<Record<string, readonly [name: string, help: string]>>;

export type MetricKey = keyof typeof metricNames;
