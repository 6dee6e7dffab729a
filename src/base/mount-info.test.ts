import { expect, test } from 'vitest'
import { parseMountInfo } from './mount-info.ts'

test('mounts are read with their options, their propagation and their file system', () => {
  const text = [
    '25 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro',
    '31 25 0:26 / /mnt/a\\040b\\134c ro,nosuid - cgroup cgroup rw,cpu,cpuacct',
    '',
  ].join('\n')
  expect(parseMountInfo(text)).toEqual([
    {
      point: '/',
      options: ['rw', 'relatime'],
      tags: ['shared:1', 'master:2'],
      type: 'ext4',
      superOptions: ['rw', 'errors=remount-ro'],
    },
    { point: '/mnt/a b\\c', options: ['ro', 'nosuid'], tags: [], type: 'cgroup', superOptions: ['rw', 'cpu', 'cpuacct'] },
  ])
})
