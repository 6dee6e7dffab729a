import { isTrue } from '../../api/conditions.ts'
import type { KubeObject } from '../../api/object.ts'
import type { APIService } from '../../api/types/apiregistration-v1.ts'
import type { Verified } from '../connector.ts'
import { followCache } from '../follow-cache.ts'
import type { WatchCache } from '../watch-cache.ts'

/** A group version that another server answers. */
export interface RemoteService {
  /** Its registration's: `VERSION.GROUP`. */
  readonly name: string
  readonly group: string
  readonly version: string
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number }
  /** What the server must show; undefined: anything will do. */
  readonly verified: Verified | undefined
  readonly isAvailable: boolean
  readonly groupPriority: number
  readonly versionPriority: number
}

/** All that other servers answer; found by group version. Empty in most clusters. */
export interface RemoteServices {
  find(group: string, version: string): RemoteService | undefined
  all(): Iterable<RemoteService>
  readonly isEmpty: boolean
}

export function remoteServices(cache: WatchCache): RemoteServices {
  const remotes = new Map<string, RemoteService>()
  followCache(cache, {
    set(object) {
      const remote = remoteOf(object as APIService)
      if (remote) remotes.set(keyOf(remote), remote)
      else forget(object)
    },
    remove: forget,
  })
  return {
    find: (group, version) => (remotes.size === 0 ? undefined : remotes.get(`${group}/${version}`)),
    all: () => remotes.values(),
    get isEmpty() {
      return remotes.size === 0
    },
  }

  function forget(object: KubeObject): void {
    const { group = '', version = '' } = (object as APIService).spec
    remotes.delete(keyOf({ group, version }))
  }
}

const keyOf = ({ group, version }: { group: string; version: string }) => `${group}/${version}`

/** Undefined for what this server answers itself. */
export function remoteOf(registration: APIService): RemoteService | undefined {
  const { metadata, spec, status } = registration
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify, groupPriorityMinimum, versionPriority } = spec
  if (!service) return undefined
  const { namespace = '', name = '', port = 443 } = service
  const authority = caBundle ? { authority: Buffer.from(caBundle, 'base64').toString() } : {}
  return {
    name: metadata.name,
    group,
    version,
    service: { namespace, name, port },
    verified: insecureSkipTLSVerify ? undefined : { serverName: `${name}.${namespace}.svc`, ...authority },
    isAvailable: isTrue(status, 'Available'),
    groupPriority: groupPriorityMinimum,
    versionPriority,
  }
}
