// The node's network at size, in a network namespace of its own (needs root): attaching pods one at a time and many at
// once, the whole table of 5,000 Services, and one change of it.   node bench/network.ts [SERVICES]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../src/base/log.ts'
import { prepareHost } from '../src/network/host-address.ts'
import { createPodNetwork } from '../src/network/pod-network.ts'
import type { FrontendPlan } from '../src/network/proxy/service-frontends.ts'
import { ServiceRuleset } from '../src/network/proxy/service-ruleset.ts'
import { changeText, tableText } from '../src/network/proxy/service-table.ts'
import { runProgram } from '../src/network/run-program.ts'

if (process.env.SAMPAN_BENCH_INSIDE === undefined) {
  // The same program again, in namespaces that end with it.
  const inside = [process.execPath, ...process.argv.slice(1)]
  const env = { ...process.env, SAMPAN_BENCH_INSIDE: '1' }
  execFileSync(
    'unshare',
    ['--net', '--mount', '--propagation', 'private', 'sh', '-c', 'mount -t sysfs sysfs /sys && exec "$@"', 'sh', ...inside],
    { stdio: 'inherit', env },
  )
  process.exit(0)
}

const services = Number(process.argv[2] ?? 5_000)
const where = {
  clusterName: 'bench',
  clusterIndex: 9,
  podRange: '10.73.0.0/16',
  serviceRange: '10.96.0.0/16',
  nodeAddress: '10.73.255.1',
  dnsAddress: '10.96.0.10',
}
const folder = mkdtempSync(join(tmpdir(), 'sampan-bench-'))
const netns = `sampan-bench-${process.pid}`
const ms = (value: number) => `${value.toFixed(1)} ms`
const median = (values: number[]) => [...values].sort((left, right) => left - right)[values.length >> 1] ?? 0
const timed = async (work: () => Promise<unknown>) => {
  const began = performance.now()
  await work()
  return performance.now() - began
}

const names = Array.from({ length: 50 }, (_, index) => `${netns}-${index}`)
try {
  for (const name of names) execFileSync('ip', ['netns', 'add', name])
  await prepareHost(where)
  const network = await createPodNetwork({ ...where, stateDir: folder, log: silentLog })
  const attach = (name: string) => network.attach({ id: name, netnsPath: `/run/netns/${name}`, portMappings: [] })
  const single: number[] = []
  for (const name of names.slice(0, 20)) single.push(await timed(() => attach(name)))
  console.log(`Attach a pod, one at a time: p50 ${ms(median(single))}`)
  console.log(`Attach 30 pods at once: ${ms(await timed(() => Promise.all(names.slice(20).map(attach))))} in all`)
  const detached: number[] = []
  for (const name of names.slice(0, 20)) detached.push(await timed(() => network.detach(name)))
  console.log(`Detach a pod, one at a time: p50 ${ms(median(detached))}`)
  console.log(`Detach 30 pods at once: ${ms(await timed(() => network.retain([])))} in all`)

  const ruleset = new ServiceRuleset()
  const chains = new Set<string>()
  const address = (first: string, index: number) => `${first}.${(index >> 8) & 255}.${index & 255}`
  const plan = (...backends: number[]): FrontendPlan => ({
    backends: backends.map((index) => ({ address: address('10.73', index), port: 8080 })),
    isExternal: false,
    affinitySeconds: undefined,
  })
  for (let index = 0; index < services; index++)
    ruleset.want(`s${index}`, new Map([[`${address('10.96', index + 256)} . tcp . 80`, plan(2 * index, 2 * index + 1)]]))
  const began = performance.now()
  const whole = tableText(where, ruleset.take(), chains)
  console.log(`Text of ${services} Services with 2 endpoints each: ${ms(performance.now() - began)}, ${(whole.length / 1e6).toFixed(1)} MB`)
  const apply = (text: string) => runProgram('apply', 'nft', ['-f', '-'], text)
  console.log(`Load it: ${ms(await timed(() => apply(whole)))}`)
  const changes: number[] = []
  for (let index = 0; index < 20; index++) {
    ruleset.want(`s${index}`, new Map([[`${address('10.96', index + 256)} . tcp . 80`, plan(2 * index)]]))
    changes.push(await timed(() => apply(changeText(where, ruleset.take(), chains))))
  }
  console.log(`One endpoint gone, ${services} Services: p50 ${ms(median(changes))}`)
} finally {
  for (const name of names) execFileSync('ip', ['netns', 'del', name])
  rmSync(folder, { recursive: true })
}
