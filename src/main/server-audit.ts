import { readFileSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { MetricRegistry } from '../base/metrics/metric-registry.ts'
import type { Random } from '../base/random.ts'
import type { ApiServerFlags } from '../cli/api-server-flags.ts'
import type { AuditOptions } from '../server/audit/audit.ts'
import type { AuditSink } from '../server/audit/audit-event.ts'
import { parseAuditPolicy } from '../server/audit/audit-policy.ts'
import { createBatchingSink, defaultBatching } from '../server/audit/batching-sink.ts'
import { openAuditLog } from './audit-log.ts'
import { webhookPoster } from './webhook-kubeconfig.ts'

const dayMs = 86_400_000
const webhookTimeoutMs = 10_000

/** What is recorded of requests, as the flags want it; undefined: nothing. */
export async function auditFor(
  flags: ApiServerFlags,
  parts: { clock: Clock; random: Random; log: Log; metrics: MetricRegistry },
): Promise<AuditOptions | undefined> {
  const policyFile = flags['audit-policy-file']
  const sinks = await sinksFor(flags, parts)
  // As upstream, nothing is recorded without a policy.
  if (policyFile === undefined || sinks.length === 0) return undefined
  return { policy: parseAuditPolicy(readFileSync(policyFile, 'utf8')), sinks }
}

async function sinksFor(
  flags: ApiServerFlags,
  { clock, random, log, metrics }: { clock: Clock; random: Random; log: Log; metrics: MetricRegistry },
): Promise<AuditSink[]> {
  const errors = metrics.counter('apiserver_audit_error_total', 'Audit events that were lost, by where they should have gone.', ['plugin'])
  const sinks: AuditSink[] = []
  const path = flags['audit-log-path']
  const [maxAge, maxBackups] = [flags['audit-log-maxage'] ?? 0, flags['audit-log-maxbackup'] ?? 0]
  if (path === '-') sinks.push({ take: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`), close: async () => {} })
  else if (path !== undefined)
    sinks.push(
      await openAuditLog({
        path,
        maxBytes: (flags['audit-log-maxsize'] || 100) << 20,
        maxAgeMs: maxAge === 0 ? undefined : maxAge * dayMs,
        maxBackups: maxBackups === 0 ? undefined : maxBackups,
        compress: flags['audit-log-compress'] ?? false,
        clock,
        log,
        lost: errors.of('log'),
      }),
    )
  const webhook = flags['audit-webhook-config-file']
  if (webhook !== undefined) sinks.push(webhookSink(webhook))
  return sinks

  function webhookSink(file: string): AuditSink {
    const poster = webhookPoster({ file, timeoutMs: webhookTimeoutMs })
    const sink = createBatchingSink({
      batching: {
        ...defaultBatching,
        bufferSize: flags['audit-webhook-batch-buffer-size'] ?? defaultBatching.bufferSize,
        maxBatchSize: flags['audit-webhook-batch-max-size'] ?? defaultBatching.maxBatchSize,
        maxWaitMs: flags['audit-webhook-batch-max-wait'] ?? defaultBatching.maxWaitMs,
        throttleQps: flags['audit-webhook-batch-throttle-qps'] ?? defaultBatching.throttleQps,
        retry: { ...defaultBatching.retry, firstMs: flags['audit-webhook-initial-backoff'] ?? defaultBatching.retry.firstMs },
      },
      send: (items) => poster.post({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items }),
      clock,
      random,
      log,
      lost: errors.of('webhook'),
    })
    return {
      take: (event) => sink.take(event),
      async close() {
        await sink.close()
        poster.close()
      },
    }
  }
}
