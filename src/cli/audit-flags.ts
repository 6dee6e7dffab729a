import { durationMs, text, truth, wholeNumber } from './flag-values.ts'

/** Flags that say what is recorded of requests, and where. */
export const auditFlags = {
  /** A file with a Policy of audit.k8s.io/v1; without it nothing is recorded. */
  'audit-policy-file': text,
  /** `-` is the log of the server's own output. */
  'audit-log-path': text,
  /** Days, files and MiB; 0 is no bound, for the size upstream's 100. */
  'audit-log-maxage': wholeNumber,
  'audit-log-maxbackup': wholeNumber,
  'audit-log-maxsize': wholeNumber,
  'audit-log-compress': truth,
  /** A kubeconfig that says where events are posted. */
  'audit-webhook-config-file': text,
  'audit-webhook-batch-buffer-size': wholeNumber,
  'audit-webhook-batch-max-size': wholeNumber,
  'audit-webhook-batch-max-wait': durationMs,
  'audit-webhook-batch-throttle-qps': wholeNumber,
  'audit-webhook-initial-backoff': durationMs,
}
