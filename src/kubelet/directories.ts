import { join } from 'node:path'
import type { Pod } from '../api/types/core-v1.ts'

/** Where things of pods lie; upstream's layout. */
export interface PodDirectories {
  pod(uid: string): string
  volume(uid: string, plugin: string, name: string): string
  /** Bind mounts of sub-paths, made before a container starts. */
  subPaths(uid: string): string
  /** Files of one container, such as its last words. */
  container(uid: string, name: string): string
  hostsFile(uid: string): string
  logs(pod: Pod): string
  readonly root: string
  readonly logRoot: string
}

export function podDirectories({ root, logs }: { root: string; logs: string }): PodDirectories {
  const pod = (uid: string) => join(root, 'pods', uid)
  return {
    root,
    logRoot: logs,
    pod,
    volume: (uid, plugin, name) => join(pod(uid), 'volumes', `kubernetes.io~${plugin}`, name),
    subPaths: (uid) => join(pod(uid), 'volume-subpaths'),
    container: (uid, name) => join(pod(uid), 'containers', name),
    hostsFile: (uid) => join(pod(uid), 'etc-hosts'),
    logs: ({ metadata }) => join(logs, `${metadata.namespace}_${metadata.name}_${metadata.uid}`),
  }
}
