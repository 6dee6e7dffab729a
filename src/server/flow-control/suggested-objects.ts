import { mandatoryFlowSchemas, mandatoryPriorityLevels } from '../../api/flowcontrol/mandatory-objects.ts'
import type {
  FlowSchemaSpec,
  PolicyRulesWithSubjects,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
  Subject,
} from '../../api/types/flowcontrol-v1.ts'

/** What every cluster has of a kind, by name. */
export interface DefaultObjects<Spec> {
  /** As they must be. */
  readonly mandatory: ReadonlyMap<string, Spec>
  /** As they are unless somebody wants them otherwise. */
  readonly suggested: ReadonlyMap<string, Spec>
}

const all = ['*']
const anywhere = { clusterScope: true, namespaces: all }
const everything = {
  resourceRules: [{ verbs: all, apiGroups: all, resources: all, ...anywhere }],
  nonResourceRules: [{ verbs: all, nonResourceURLs: all }],
}
const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }))
const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }))
const systemAccounts = (...names: string[]): Subject[] =>
  names.map((name) => ({ kind: 'ServiceAccount', serviceAccount: { name, namespace: 'kube-system' } }))
const everybody = groups('system:unauthenticated', 'system:authenticated')
const locks = ['get', 'create', 'update']
const inNamespaces = (verbs: string[], group: string, ...resources: string[]): ResourcePolicyRule => ({
  verbs,
  apiGroups: [group],
  resources,
  namespaces: all,
})

const schema = (
  level: string,
  matchingPrecedence: number,
  by: string | undefined,
  ...rules: PolicyRulesWithSubjects[]
): FlowSchemaSpec => ({
  priorityLevelConfiguration: { name: level },
  matchingPrecedence,
  ...(by !== undefined && { distinguisherMethod: { type: by } }),
  rules,
})

const level = (shares: number, lendablePercent: number, queues: number, handSize = 6): PriorityLevelConfigurationSpec => ({
  type: 'Limited',
  limited: {
    nominalConcurrencyShares: shares,
    lendablePercent,
    limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
  },
})

/** Upstream's priority levels. That of the exempt may be adjusted, so it is only made when it is not there. */
export const defaultPriorityLevels: DefaultObjects<PriorityLevelConfigurationSpec> = {
  mandatory: mandatoryPriorityLevels,
  suggested: new Map<string, PriorityLevelConfigurationSpec>([
    ['exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }],
    ['system', level(30, 33, 64)],
    ['node-high', level(40, 25, 64)],
    ['leader-election', level(10, 0, 16, 4)],
    ['workload-high', level(40, 50, 128)],
    ['workload-low', level(100, 90, 128)],
    ['global-default', level(20, 50, 128)],
  ]),
}

/** Upstream's flow schemas. */
export const defaultFlowSchemas: DefaultObjects<FlowSchemaSpec> = {
  mandatory: mandatoryFlowSchemas,
  suggested: new Map<string, FlowSchemaSpec>([
    [
      'probes',
      schema('exempt', 2, undefined, {
        subjects: everybody,
        nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
      }),
    ],
    [
      'system-leader-election',
      schema('leader-election', 100, 'ByUser', {
        subjects: [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...systemAccounts('*')],
        resourceRules: [inNamespaces(locks, 'coordination.k8s.io', 'leases')],
      }),
    ],
    [
      'endpoint-controller',
      schema('workload-high', 150, 'ByUser', {
        subjects: [
          ...users('system:kube-controller-manager'),
          ...systemAccounts('endpoint-controller', 'endpointslicemirroring-controller'),
        ],
        resourceRules: [inNamespaces(locks, '', 'endpoints')],
      }),
    ],
    [
      'workload-leader-election',
      schema('leader-election', 200, 'ByUser', {
        subjects: systemAccounts('*'),
        resourceRules: [inNamespaces(locks, '', 'endpoints', 'configmaps'), inNamespaces(locks, 'coordination.k8s.io', 'leases')],
      }),
    ],
    [
      'system-node-high',
      schema('node-high', 400, 'ByUser', {
        subjects: groups('system:nodes'),
        resourceRules: [
          { verbs: all, apiGroups: [''], resources: ['nodes', 'nodes/status'], ...anywhere },
          inNamespaces(all, 'coordination.k8s.io', 'leases'),
        ],
      }),
    ],
    ['system-nodes', schema('system', 500, 'ByUser', { subjects: groups('system:nodes'), ...everything })],
    [
      'kube-controller-manager',
      schema('workload-high', 800, 'ByNamespace', { subjects: users('system:kube-controller-manager'), ...everything }),
    ],
    ['kube-scheduler', schema('workload-high', 800, 'ByNamespace', { subjects: users('system:kube-scheduler'), ...everything })],
    ['kube-system-service-accounts', schema('workload-high', 900, 'ByNamespace', { subjects: systemAccounts('*'), ...everything })],
    ['service-accounts', schema('workload-low', 9000, 'ByUser', { subjects: groups('system:serviceaccounts'), ...everything })],
    ['global-default', schema('global-default', 9900, 'ByUser', { subjects: everybody, ...everything })],
  ]),
}
