import { checkRange, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import type { JsonObject } from '../object.ts'
import { forbidden, invalid, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  QueuingConfiguration,
} from '../types/flowcontrol-v1.ts'
import { checkConditionTypes } from './condition-rules.ts'
import { mandatoryPriorityLevels } from './mandatory-objects.ts'

const types = new Set(['Exempt', 'Limited'])
const responses = new Set(['Queue', 'Reject'])
const maxQueues = 10_000_000
/** Bits of the hash that deals queues to a flow. */
const maxHashBits = 60

function checkShares(found: Found, field: string, shares: number | undefined): void {
  if (shares !== undefined && shares < 0) found.push(invalid(`${field}.nominalConcurrencyShares`, shares, 'must be a non-negative integer'))
}

function checkExempt(found: Found, exempt: ExemptPriorityLevelConfiguration): void {
  checkShares(found, 'spec.exempt', exempt.nominalConcurrencyShares)
  checkRange(found, 'spec.exempt.lendablePercent', exempt.lendablePercent, 0, 100)
}

function checkLimited(found: Found, limited: LimitedPriorityLevelConfiguration): void {
  checkShares(found, 'spec.limited', limited.nominalConcurrencyShares)
  checkResponse(found, 'spec.limited.limitResponse', limited.limitResponse)
  checkRange(found, 'spec.limited.lendablePercent', limited.lendablePercent, 0, 100)
  const borrowed = limited.borrowingLimitPercent
  if (borrowed !== undefined && borrowed < 0)
    found.push(invalid('spec.limited.borrowingLimitPercent', borrowed, 'if specified, must be a non-negative integer'))
}

function checkResponse(found: Found, field: string, { type = '', queuing }: Partial<LimitResponse> = {}): void {
  if (!responses.has(type)) found.push(notSupported(`${field}.type`, type, responses))
  else if (type === 'Reject') {
    if (queuing) found.push(forbidden(`${field}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (queuing) checkQueuing(found, `${field}.queuing`, queuing)
  else found.push(required(`${field}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'))
}

function checkQueuing(found: Found, field: string, { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration): void {
  if (queueLengthLimit <= 0) found.push(invalid(`${field}.queueLengthLimit`, queueLengthLimit, 'must be positive'))
  if (queues <= 0) found.push(invalid(`${field}.queues`, queues, 'must be positive'))
  else if (queues > maxQueues) found.push(invalid(`${field}.queues`, queues, `must not be greater than ${maxQueues}`))
  const at = `${field}.handSize`
  if (handSize <= 0) found.push(invalid(at, handSize, 'must be positive'))
  else if (handSize > queues) found.push(invalid(at, handSize, `should not be greater than queues (${queues})`))
  else if (Math.ceil(Math.log2(queues) * handSize) > maxHashBits)
    found.push(
      invalid(
        at,
        handSize,
        `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`,
      ),
    )
}

function checkSpec(found: Found, name: string, { type = '', limited, exempt }: PriorityLevelConfigurationSpec): void {
  if ((name === 'exempt') !== (type === 'Exempt'))
    found.push(invalid('spec.type', type, "type must be 'Exempt' if and only if name is 'exempt'"))
  if (!types.has(type)) found.push(notSupported('spec.type', type, types))
  else if (type === 'Exempt') {
    if (limited) found.push(forbidden('spec.limited', 'must be nil if the type is not Limited'))
    if (exempt) checkExempt(found, exempt)
  } else {
    if (exempt) found.push(forbidden('spec.exempt', 'must be nil if the type is Limited'))
    if (limited) checkLimited(found, limited)
    else found.push(required('spec.limited', 'must not be empty when type is Limited'))
  }
}

const shownQueuing =
  (field: keyof QueuingConfiguration) =>
  ({ spec }: PriorityLevelConfiguration) => {
    const queuing = spec.limited?.limitResponse?.queuing
    return queuing ? (queuing[field] ?? 0) : '<none>'
  }

export const priorityLevelConfiguration = defineKind<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io',
  kind: 'PriorityLevelConfiguration',
  versionRequired: true,
  generation: true,
  defaults(draft) {
    const { limited, exempt } = draft.spec as JsonObject & PriorityLevelConfigurationSpec
    if (exempt) {
      exempt.nominalConcurrencyShares ??= 0
      exempt.lendablePercent ??= 0
    }
    if (!limited) return
    limited.nominalConcurrencyShares ??= 30
    limited.lendablePercent ??= 0
    const queuing = limited.limitResponse?.queuing
    if (!queuing) return
    queuing.handSize ||= 8
    queuing.queues ||= 64
    queuing.queueLengthLimit ||= 50
  },
  validate({ metadata, spec, status }) {
    const found: Problem[] = []
    checkSpec(found, metadata.name, spec)
    const fixed = mandatoryPriorityLevels.get(metadata.name)
    if (fixed && !jsonEqual(spec, fixed)) found.push(invalid('spec', spec, `spec of '${metadata.name}' must equal the fixed value`))
    checkConditionTypes(found, status?.conditions)
    return found
  },
  validateSubresource({ status }) {
    const found: Problem[] = []
    checkConditionTypes(found, status?.conditions)
    return found
  },
  columns: [
    nameColumn,
    column('Type', 'Whether its requests are limited.', ({ spec }) => spec.type),
    column('NominalConcurrencyShares', 'Its share of what the server does at once.', ({ spec }) =>
      spec.limited ? (spec.limited.nominalConcurrencyShares ?? 0) : '<none>',
    ),
    column('Queues', 'How many queues it has.', shownQueuing('queues')),
    column('HandSize', 'How many queues a flow may use.', shownQueuing('handSize')),
    column('QueueLengthLimit', 'How many requests wait in a queue.', shownQueuing('queueLengthLimit')),
    ageColumn,
  ],
})
