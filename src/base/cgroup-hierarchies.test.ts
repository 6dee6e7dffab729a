import { expect, test } from 'vitest'
import { parseHierarchies } from './cgroup-hierarchies.ts'

const root = '/sys/fs/cgroup'
const line = (name: string, options: string, type = 'cgroup') => `1 2 0:1 / ${root}/${name} rw,nosuid shared:9 - ${type} cgroup ${options}`

test('a controller is where it is mounted, together with others or again', () => {
  const found = parseHierarchies(
    [
      line('cpu,cpuacct', 'rw,cpu,cpuacct'),
      line('memory', 'rw,memory'),
      line('again', 'rw,memory'),
      line('systemd', 'rw,xattr,name=systemd'),
      '1 2 0:1 / /elsewhere/pids rw - cgroup cgroup rw,pids',
      '1 2 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw',
    ].join('\n'),
    root,
  )
  expect(found).toMatchObject({
    mode: 'v1',
    unified: undefined,
    mounts: ['cpu,cpuacct', 'memory', 'systemd'].map((name) => `${root}/${name}`),
  })
  expect(['cpu', 'cpuacct', 'memory', 'pids', 'xattr'].map(found.of)).toEqual([
    `${root}/cpu,cpuacct`,
    `${root}/cpu,cpuacct`,
    `${root}/memory`,
    undefined,
    undefined,
  ])
})

test('a v2 beside them carries no controller', () => {
  const found = parseHierarchies([line('memory', 'rw,memory'), line('unified', 'rw', 'cgroup2')].join('\n'), root)
  expect(found).toMatchObject({ mode: 'hybrid', unified: `${root}/unified`, mounts: [`${root}/memory`] })
})
