import type { Catalog } from '../../api/catalog.ts'
import type { JsonObject } from '../../api/object.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Authorize } from '../authorization/authorizer.ts'
import type { Registry } from '../registry.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import { mutatingWebhookAdmission, validatingWebhookAdmission } from '../webhooks/webhook-admission.ts'
import type { CallWebhook } from '../webhooks/webhook-client.ts'
import type { AdmissionPlugin } from './admission.ts'
import { certificateRequester } from './certificate-requester.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { orderedPlugins } from './ordered-plugins.ts'
import { mutatingPolicyAdmission, validatingPolicyAdmission } from './policies/policy-admission.ts'
import { priority } from './priority.ts'

/** What plug-ins decide by. */
export interface AdmissionParts {
  readonly catalog: Catalog
  readonly caches: ResourceCaches
  /** For plug-ins that ask what the writer may do. */
  readonly authorize: Authorize
  /** For plug-ins that write themselves; it is there once all plug-ins are made. */
  readonly registry: () => Registry
  /** What upstream's `--admission-control-config-file` has for the plug-in. */
  readonly configuration?: JsonObject
  /** Asks webhooks. */
  readonly webhooks: CallWebhook
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Makes a plug-in for one server. */
export type AdmissionFactory = (parts: AdmissionParts) => AdmissionPlugin | Promise<AdmissionPlugin>

/** Which plug-ins run beside those that upstream turns on, and which of these do not. */
export interface AdmissionChoice {
  readonly enable?: readonly string[]
  readonly disable?: readonly string[]
  /** By the plug-in's name. */
  readonly configurations?: ReadonlyMap<string, JsonObject>
}

/** What needs no controller: a bare API server. */
export const basicAdmission: readonly AdmissionFactory[] = [
  namespaceLifecycle,
  certificateRequester,
  () => defaultTolerationSeconds,
  priority,
  mutatingPolicyAdmission,
  mutatingWebhookAdmission,
  validatingPolicyAdmission,
  validatingWebhookAdmission,
]

/** The plug-ins of a cluster in upstream's order. Throws upstream's words for names that nobody has. */
export function chosenAdmission({ enable = [], disable = [], configurations }: AdmissionChoice): readonly AdmissionFactory[] {
  const known = new Set(orderedPlugins.map(({ name }) => name))
  const problems = [
    ...enable.filter((name) => !known.has(name)).map((name) => `enable-admission-plugins plugin "${name}" is unknown`),
    ...disable.filter((name) => !known.has(name)).map((name) => `disable-admission-plugins plugin "${name}" is unknown`),
  ]
  const both = enable.filter((name) => disable.includes(name))
  if (both.length > 0) problems.push(`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`)
  if (problems.length > 0) throw new Error(problems.join(', '))
  const isOn = ({ name, isDefault }: (typeof orderedPlugins)[number]) => enable.includes(name) || (isDefault && !disable.includes(name))
  return [
    certificateRequester,
    ...orderedPlugins.filter(isOn).map(({ name, make }): AdmissionFactory => {
      const configuration = configurations?.get(name)
      return configuration ? (parts) => make({ ...parts, configuration }) : make
    }),
  ]
}

/** What a cluster runs unless it is told otherwise. */
export const standardAdmission: readonly AdmissionFactory[] = chosenAdmission({})
