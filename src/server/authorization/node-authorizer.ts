import type { UserInfo } from '../../api/exchange.ts'
import type { Kind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import { persistentVolumes, pods, resourceSlices, volumeAttachments } from '../../api/resources.ts'
import type { PersistentVolume, Pod } from '../../api/types/core-v1.ts'
import { type Follower, followCache } from '../follow-cache.ts'
import type { RequestAttributes, ResourceAttributes } from '../request-attributes.ts'
import { type AuthorizationParts, type AuthorizerFactory, type Decision, noOpinion, noRules, type UserRules } from './authorizer.ts'
import { bootstrapRules } from './bootstrap-policy.ts'
import { NodeGraph, podKey } from './node-graph.ts'
import { nodeNameOf, type ReferencedResource } from './pod-references.ts'
import { ruleAllows } from './rule-allows.ts'

const allowed: Decision = { type: 'allow', reason: '' }
const refused = (reason: string): Decision => ({ type: 'no-opinion', reason })

/**
 * The Node mode: a kubelet may do what kubelets have to do, and read of secrets, claims and the like what pods on its own
 * node refer to. What it writes about itself is NodeRestriction's to look at, which sees the object. Never denies.
 */
export const nodeAuthorizer: AuthorizerFactory = (parts) => {
  let graph: NodeGraph | Promise<NodeGraph> | undefined
  const rules = bootstrapRules('system:node')
  return Object.assign(authorize, { rulesOf })

  /** What a node may read changes with each pod: no list says it. */
  function rulesOf(user: UserInfo): UserRules {
    return nodeOf(user) === undefined
      ? noRules
      : { ...noRules, incomplete: true, errors: ['node authorizer does not support user rule resolution'] }
  }

  function authorize(user: UserInfo, attributes: RequestAttributes): Decision | Promise<Decision> {
    const node = nodeOf(user)
    if (node === undefined) return noOpinion
    if (node === '') return refused(`unknown node for user ${JSON.stringify(user.name)}`)
    // Pods are looked at once there is a node: a server without any has nothing to follow.
    graph ??= loadGraph(parts).then(
      (loaded) => {
        graph = loaded
        return loaded
      },
      (error: unknown) => {
        // The next node's request tries again.
        graph = undefined
        throw error
      },
    )
    return graph instanceof Promise ? graph.then((loaded) => decide(loaded, node)) : decide(graph, node)

    function decide(loaded: NodeGraph, name: string): Decision {
      const special = attributes.type === 'resource' ? decideSpecial(loaded, name, attributes) : undefined
      return special ?? (rules.some((rule) => ruleAllows(rule, attributes)) ? allowed : noOpinion)
    }
  }
}

const namePrefix = 'system:node:'

/** The node that a user is the kubelet of; '' for one without a name, undefined for everybody else. */
export function nodeOf({ name, groups }: UserInfo): string | undefined {
  return name.startsWith(namePrefix) && groups.includes('system:nodes') ? name.slice(namePrefix.length) : undefined
}

async function loadGraph({ catalog, caches }: AuthorizationParts): Promise<NodeGraph> {
  const graph = new NodeGraph()
  const follow = async <T extends KubeObject>(ref: ResourceRef<T>, follower: Follower<T>) => {
    const kind: Kind | undefined = catalog.byResource(ref.group, ref.version, ref.plural)
    if (kind) followCache(await caches.load(kind), follower)
  }
  await Promise.all([
    follow(pods, {
      set: (pod: Pod) => graph.setPod(pod),
      remove: ({ metadata }: Pod) => graph.removePod(podKey(metadata.namespace, metadata.name)),
    }),
    follow(persistentVolumes, {
      set: (volume: PersistentVolume) => graph.setVolume(volume),
      remove: ({ metadata }: PersistentVolume) => graph.removeVolume(metadata.name),
    }),
    follow<KubeObject>(volumeAttachments, {
      set: (object) => graph.setAttachment(object.metadata.name, nodeNameOf(object)),
      remove: ({ metadata }) => graph.setAttachment(metadata.name, undefined),
    }),
    follow<KubeObject>(resourceSlices, {
      set: (object) => graph.setSlice(object.metadata.name, nodeNameOf(object)),
      remove: ({ metadata }) => graph.setSlice(metadata.name, undefined),
    }),
  ])
  return graph
}

/** Resources that a node's rules do not give as a whole; undefined for all others. */
function decideSpecial(graph: NodeGraph, node: string, attributes: ResourceAttributes): Decision | undefined {
  const { group, resource, subresource, verb, namespace, name } = attributes
  const related = (resourceName: ReferencedResource) => relation(node, name, () => graph.has(node, resourceName, namespace, name))
  switch (`${group}/${resource}`) {
    case '/secrets':
    case '/configmaps':
      return readNamespaced(attributes) ?? related(resource as ReferencedResource)
    case '/persistentvolumeclaims':
      return (subresource === 'status' ? updateStatus(attributes) : getOne(attributes)) ?? related('persistentvolumeclaims')
    case '/persistentvolumes':
      return getOne(attributes) ?? relation(node, name, () => graph.hasVolume(node, name))
    case 'resource.k8s.io/resourceclaims':
      return getOne(attributes) ?? related('resourceclaims')
    case 'storage.k8s.io/volumeattachments':
      return getOne(attributes) ?? relation(node, name, () => graph.hasAttachment(node, name))
    case '/serviceaccounts':
      if (verb === 'get' && subresource === '') return related('serviceaccounts')
      if (verb !== 'create' || name === '') return refused('can only create tokens for individual service accounts')
      return subresource === 'token' ? related('serviceaccounts') : refused('can only create token subresource of service account')
    case 'coordination.k8s.io/leases':
      return ownLease(node, attributes)
    case 'storage.k8s.io/csinodes':
      return ownCsiNode(node, attributes)
    case 'resource.k8s.io/resourceslices':
      return ownSlices(graph, node, attributes)
    case '/nodes':
      return ownNode(node, attributes)
    case '/pods':
      return ownPods(graph, node, attributes)
    case 'certificates.k8s.io/podcertificaterequests':
      if (subresource !== '' || !['list', 'watch', 'get'].includes(verb)) return undefined
      return selectsNode(attributes, node)
        ? allowed
        : refused('can only list/watch podcertificaterequests with spec.nodeName field selector')
    default:
      return undefined
  }
}

function relation(node: string, name: string, isRelated: () => boolean): Decision {
  if (name === '') return refused('No Object name found')
  return isRelated() ? allowed : refused(`no relationship found between node '${node}' and this object`)
}

function readNamespaced({ verb, subresource, namespace }: ResourceAttributes): Decision | undefined {
  if (!['get', 'list', 'watch'].includes(verb)) return refused('can only read resources of this type')
  if (subresource !== '') return refused('cannot read subresource')
  return namespace === '' ? refused('can only read namespaced object of this type') : undefined
}

function getOne({ verb, subresource }: ResourceAttributes): Decision | undefined {
  if (verb !== 'get') return refused('can only get individual resources of this type')
  return subresource === '' ? undefined : refused('cannot get subresource')
}

const updateStatus = ({ verb }: ResourceAttributes): Decision | undefined =>
  ['get', 'update', 'patch'].includes(verb) ? undefined : refused('can only get/update/patch this type')

const ownVerbs = ['get', 'create', 'update', 'patch', 'delete']
const leaseNamespace = 'kube-node-lease'

/** Whose name a new object has, only admission sees. */
function ownLease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!ownVerbs.includes(verb)) return refused('can only get, create, update, patch, or delete a node lease')
  if (namespace !== leaseNamespace) return refused(`can only access leases in the "${leaseNamespace}" system namespace`)
  return verb === 'create' || name === node ? allowed : refused('can only access node lease with the same name as the requesting node')
}

function ownCsiNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (!ownVerbs.includes(verb)) return refused('can only get, create, update, patch, or delete a CSINode')
  if (subresource !== '') return refused('cannot authorize CSINode subresources')
  return verb === 'create' || name === node ? allowed : refused('can only access CSINode with the same name as the requesting node')
}

function ownSlices(graph: NodeGraph, node: string, attributes: ResourceAttributes): Decision {
  const { verb, subresource, name } = attributes
  if (subresource !== '') return refused('cannot authorize ResourceSlice subresources')
  switch (verb) {
    case 'create':
      return allowed
    case 'get':
    case 'update':
    case 'patch':
    case 'delete':
      return relation(node, name, () => graph.hasSlice(node, name))
    case 'list':
    case 'watch':
    case 'deletecollection':
      return selectsNode(attributes, node)
        ? allowed
        : refused('can only list/watch/deletecollection resourceslices with nodeName field selector')
    default:
      return refused(
        'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
      )
  }
}

function ownNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? allowed : noOpinion
  if (subresource !== '') return noOpinion
  switch (verb) {
    case 'create':
    case 'update':
    case 'patch':
      return allowed
    case 'get':
    case 'list':
    case 'watch':
      return name === node ? allowed : refused(`node '${node}' cannot read '${name}', only its own Node object`)
    default:
      return noOpinion
  }
}

function ownPods(graph: NodeGraph, node: string, attributes: ResourceAttributes): Decision {
  const { verb, subresource, namespace, name } = attributes
  if (subresource === 'status') return ['update', 'patch'].includes(verb) ? allowed : noOpinion
  if (subresource === 'eviction') return verb === 'create' ? allowed : noOpinion
  if (subresource !== '') return noOpinion
  switch (verb) {
    case 'get':
      return relation(node, name, () => graph.hasPod(node, namespace, name))
    case 'list':
    case 'watch':
      return selectsNode(attributes, node) ? allowed : refused('can only list/watch pods with spec.nodeName field selector')
    case 'create':
    case 'delete':
      return allowed
    default:
      return noOpinion
  }
}

const selectsNode = ({ fieldSelector = [] }: Pick<ResourceAttributes, 'fieldSelector'>, node: string) =>
  fieldSelector.some(({ field, equal, value }) => field === 'spec.nodeName' && equal && value === node)
