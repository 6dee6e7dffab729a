// Writes recorded requests and replies of Kubernetes' API server as a test's data, a line each:
//   node scripts/import-behaviour.ts RECORDED OUT      (such as: … src/server/recorded-behaviour.json)
// What no two servers share is left out of the replies: uids, revisions, and when things were made.
import { readFileSync, writeFileSync } from 'node:fs'

const [recorded, out] = process.argv.slice(2)
if (recorded === undefined || out === undefined) throw new Error('Usage: node scripts/import-behaviour.ts RECORDED OUT')

const foreign = new Set(['uid', 'resourceVersion', 'selfLink', 'time', 'creationTimestamp'])
const rows = JSON.parse(readFileSync(recorded, 'utf8')) as { case: string; reply?: unknown }[]
const kept = rows.map((row) => ({ ...row, ...('reply' in row && { reply: withoutForeign(row.reply) }) }))
writeFileSync(out, `[\n${kept.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`)

/** A precondition's uid, being asked for, stays: only replies are changed. */
function withoutForeign(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutForeign)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, part]) => !(foreign.has(name) && (typeof part === 'string' || part === null)))
      .map(([name, part]) => [name, withoutForeign(part)]),
  )
}
