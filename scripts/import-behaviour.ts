// Writes cases out of recorded requests and replies of Kubernetes' API server as a test's data:
//   node scripts/import-behaviour.ts RECORDED PREFIX OUT      (such as: … apply/ src/server/apply-behaviour.json)
import { readFileSync, writeFileSync } from 'node:fs'

const [recorded, prefix, out] = process.argv.slice(2)
if (recorded === undefined || prefix === undefined || out === undefined)
  throw new Error('Usage: node scripts/import-behaviour.ts RECORDED PREFIX OUT')
const cases = (JSON.parse(readFileSync(recorded, 'utf8')) as { case: string }[]).filter((row) => row.case.startsWith(prefix))
writeFileSync(out, `[\n${cases.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`)
