import type { UserInfo } from '../api/exchange.ts'
import type { TokenReview } from '../api/types/authentication-v1.ts'
import type { SubjectAccessReview } from '../api/types/authorization-v1.ts'
import type { Clock } from '../base/clock.ts'
import { RecentMap } from '../base/recent-map.ts'
import type { Client } from '../client/client.ts'

/** What somebody shows of who they are. */
export interface Shown {
  /** The subject of a certificate that the cluster's authority signed. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] }
  readonly token?: string
}

/** Undefined: go on; else the status and words of a refusal. */
export type Verdict = { readonly status: 401 | 403; readonly message: string } | undefined

export type NodeAccess = (shown: Shown, method: string, path: string) => Verdict | Promise<Verdict>

/** As upstream's kubelet keeps answers. */
const tokenMs = 120_000
const allowedMs = 300_000
const refusedMs = 30_000
const keptAnswers = 1024
/** Who may do everything is not asked about: what the API server itself wants must not wait for the API server. */
const privilegedGroup = 'system:masters'

const verbs: ReadonlyMap<string, string> = new Map([
  ['POST', 'create'],
  ['GET', 'get'],
  ['HEAD', 'get'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
])

/** The subresources of a node of which one is enough for a path, as upstream divides a kubelet's API. */
export function subresourcesOf(path: string): readonly string[] {
  const isBelow = (root: string) => path === root || path.startsWith(`${root}/`)
  if (isBelow('/stats')) return ['stats']
  if (isBelow('/metrics')) return ['metrics']
  if (isBelow('/logs')) return ['log']
  if (isBelow('/checkpoint')) return ['checkpoint']
  if (isBelow('/healthz')) return ['healthz', 'proxy']
  if (isBelow('/configz')) return ['configz', 'proxy']
  if (isBelow('/pods') || isBelow('/runningpods')) return ['pods', 'proxy']
  return ['proxy']
}

/**
 * Who may ask a node for what, as the API server says: whom a token names (TokenReview), and whether that user, or a
 * certificate's, may do so with the node (SubjectAccessReview on `nodes/…`).
 */
export function nodeAccess({ client, nodeName, clock }: { client: Client; nodeName: string; clock: Clock }): NodeAccess {
  const users = kept<UserInfo | undefined>(clock)
  const answers = kept<boolean>(clock)

  return (shown, method, path) => {
    const user = shown.certificate && certified(shown.certificate)
    return user?.groups.includes(privilegedGroup) ? undefined : judged(user, shown.token, method, path)
  }

  async function judged(certificateUser: UserInfo | undefined, token: string | undefined, method: string, path: string): Promise<Verdict> {
    const user = certificateUser ?? (token === undefined ? undefined : await users(token, () => ownerOf(token)))
    if (!user) return { status: 401, message: 'Unauthorized' }
    const verb = verbs.get(method) ?? ''
    const subresources = subresourcesOf(path)
    for (const subresource of subresources) {
      const key = JSON.stringify([user, verb, subresource])
      if (await answers(key, () => mayDo(user, verb, subresource))) return undefined
    }
    const message = `Forbidden (user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])`
    return { status: 403, message }
  }

  async function ownerOf(token: string): Promise<{ value: UserInfo | undefined; keptMs: number }> {
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token } }
    const answer = await client.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', review)
    const { authenticated, user } = (answer as unknown as TokenReview).status ?? {}
    if (!authenticated || !user?.username) return { value: undefined, keptMs: refusedMs }
    const { username, uid, groups = [], extra } = user
    return { value: { name: username, groups, ...(uid && { uid }), ...(extra && { extra }) }, keptMs: tokenMs }
  }

  async function mayDo({ name, groups, uid, extra }: UserInfo, verb: string, subresource: string) {
    const resourceAttributes = { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName }
    const spec = { user: name, groups, ...(uid && { uid }), ...(extra && { extra }), resourceAttributes }
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec }
    const answer = await client.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', review)
    const isAllowed = (answer as unknown as SubjectAccessReview).status?.allowed === true
    return { value: isAllowed, keptMs: isAllowed ? allowedMs : refusedMs }
  }
}

const certified = ({ commonName, organizations }: NonNullable<Shown['certificate']>): UserInfo => ({
  name: commonName,
  groups: [...organizations, 'system:authenticated'],
})

/** Answers that are kept for as long as each says; what fails is asked again. */
function kept<T>(clock: Clock): (key: string, ask: () => Promise<{ value: T; keptMs: number }>) => Promise<T> {
  const known = new RecentMap<string, { readonly value: T; readonly untilMs: number }>(keptAnswers)
  return async (key, ask) => {
    const found = known.get(key)
    if (found && found.untilMs > clock.now()) return found.value
    const { value, keptMs } = await ask()
    known.set(key, { value, untilMs: clock.now() + keptMs })
    return value
  }
}
