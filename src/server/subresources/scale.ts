import { putAt, valueAt } from '../../api/custom-resources/scale-fields.ts'
import { copy } from '../../api/decode.ts'
import type { Kind, ScalePaths } from '../../api/kind.ts'
import { formatSelector, selectorOf, selectorOfLabels } from '../../api/label-selector.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { apiVersionOf } from '../../api/resource-ref.ts'
import { StatusError } from '../../api/status-error.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { Scale } from '../../api/types/autoscaling-v1.ts'
import type { LabelSelector } from '../../api/types/meta-v1.ts'
import type { Clock } from '../../base/clock.ts'
import { applyChange, isApplyPatch } from '../apply-change.ts'
import { parseBody } from '../body.ts'
import { fieldWriter } from '../field-owners.ts'
import { patchFor } from '../patch-for.ts'
import type { Registry } from '../registry.ts'
import { jsonReply } from '../replies.ts'
import { notAllowed } from '../routing-errors.ts'
import type { CacheEntry } from '../watch-cache.ts'
import { requireFieldManager, writeOptions } from '../write-options.ts'
import type { SubresourceCall, SubresourceHandler } from './subresource.ts'
import type { SubresourceBody } from './subresource-body.ts'

/** `scale`: the replica count of anything, as autoscaling/v1 Scale. */
export function scaleHandler({ registry, body, clock }: { registry: Registry; body: SubresourceBody; clock: Clock }): SubresourceHandler {
  return {
    async answer(call) {
      const { ref, request, parameters } = call
      const form = formOf(ref.kind)
      const reply = ({ object }: CacheEntry) => jsonReply(200, shownScale(form, object))
      if (request.method === 'GET') return reply(await registry.get(ref))
      if (isApplyPatch(request)) return reply(await apply(call))
      const askedFor = changeOf(call)
      const entry = await registry.update(
        ref,
        call.subresource.name,
        (current) => {
          const asked = askedFor(shownScale(form, current))
          checkScale(call, asked)
          return scaled(form, current, asked)
        },
        writeOptions(parameters, request, call),
      )
      return reply(entry)
    },
  }

  /** A Scale that is applied states the replicas of the object that it stands for. */
  function apply(call: SubresourceCall): Promise<CacheEntry> {
    const { ref, request, parameters } = call
    const { kind, name } = ref
    requireFieldManager(parameters)
    const asked = body(call) as unknown as Scale
    checkScale(call, asked)
    const { resourceVersion } = asked.metadata ?? {}
    const config = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, ...(resourceVersion && { resourceVersion }) } }
    if (asked.spec?.replicas !== undefined) formOf(kind).setReplicas(config, asked.spec.replicas)
    const options = { ...writeOptions(parameters, request, call), isApply: true }
    const writer = fieldWriter(kind, call.subresource.name, 'Apply', options, timestamp(clock.now()))
    const force = ['true', '1'].includes(parameters.get('force') ?? '')
    const stated = config as unknown as JsonObject
    return registry.update(ref, call.subresource.name, applyChange({ kind, config: stated, writer, unowned: new Set(), force }), options)
  }

  function changeOf(call: SubresourceCall): (current: Scale) => Scale {
    const { request } = call
    if (request.method === 'PUT') {
      const asked = body(call) as unknown as Scale
      return () => asked
    }
    if (request.method !== 'PATCH') throw notAllowed()
    const patch = parseBody(request)
    const apply = patchFor(body.schema(call), request.headers['content-type'])
    return (current) => {
      const { resourceVersion: _, ...metadata } = current.metadata
      return body(call, apply({ ...current, metadata }, patch)) as unknown as Scale
    }
  }
}

/** Where a kind has what a Scale tells. */
interface ScaleForm {
  replicas(object: KubeObject): number | undefined
  statusReplicas(object: KubeObject): number | undefined
  /** In the words of a selector; '' where there is none. */
  selector(object: KubeObject): string
  /** Changes its argument. */
  setReplicas(draft: KubeObject, replicas: number): void
}

const forms = new WeakMap<Kind, ScaleForm>()

function formOf(kind: Kind): ScaleForm {
  const known = forms.get(kind) ?? (kind.scale ? formAt(kind.scale) : builtinForm)
  forms.set(kind, known)
  return known
}

/** What all built-in kinds that can be scaled have alike. A ReplicationController's selector is labels only. */
interface Scalable extends KubeObject {
  spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> }
  status?: { replicas?: number }
}

const builtinForm: ScaleForm = {
  replicas: ({ spec }: Scalable) => spec?.replicas,
  statusReplicas: ({ status }: Scalable) => status?.replicas,
  selector: ({ spec }: Scalable) => textOf(spec?.selector),
  setReplicas(draft: Scalable, replicas) {
    draft.spec = { ...draft.spec, replicas }
  },
}

/** Of a custom resource, whose definition says where. */
function formAt({ specReplicas, statusReplicas, selector }: ScalePaths): ScaleForm {
  const numberAt = (object: KubeObject, names: readonly string[]) => {
    const value = valueAt(object, names)
    return typeof value === 'number' ? value : undefined
  }
  return {
    replicas(object) {
      const replicas = numberAt(object, specReplicas)
      if (replicas !== undefined) return replicas
      const field = `.${specReplicas.join('.')}`
      throw new StatusError('InternalError', `Internal error occurred: the spec replicas field ${JSON.stringify(field)} does not exist`)
    },
    statusReplicas: (object) => numberAt(object, statusReplicas),
    selector(object) {
      const value = selector && valueAt(object, selector)
      return typeof value === 'string' ? value : ''
    },
    setReplicas: (draft, replicas) => putAt(draft as unknown as JsonObject, specReplicas, replicas),
  }
}

/** What a Scale tells of an object; of a built-in one where no kind is given. */
export const scaleOf = (object: KubeObject, kind?: Kind): Scale => shownScale(kind ? formOf(kind) : builtinForm, object)

function shownScale(form: ScaleForm, object: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const [replicas, selector] = [form.replicas(object), form.selector(object)]
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: JSON.parse(JSON.stringify({ name, namespace, uid, resourceVersion, creationTimestamp })) as Scale['metadata'],
    spec: replicas ? { replicas } : {},
    status: { replicas: form.statusReplicas(object) ?? 0, ...(selector !== '' && { selector }) },
  }
}

function textOf(selector: LabelSelector | Record<string, string> | undefined): string {
  const isExpression = selector && ('matchLabels' in selector || 'matchExpressions' in selector)
  const requirements = isExpression
    ? (selectorOf(selector as LabelSelector) ?? [])
    : selectorOfLabels((selector ?? {}) as Record<string, string>)
  return formatSelector([...requirements].sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0)))
}

function checkScale({ ref: { kind, name } }: SubresourceCall, { metadata, spec }: Scale): void {
  if (metadata?.name !== undefined && metadata.name !== '' && metadata.name !== name)
    throw new StatusError('BadRequest', `the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  const replicas = spec?.replicas ?? 0
  if (replicas >= 0) return
  const message = `Invalid value: ${replicas}: must be greater than or equal to 0`
  throw new StatusError('Invalid', `Scale.autoscaling "${name}" is invalid: spec.replicas: ${message}`, {
    name,
    group: kind.group || 'autoscaling',
    kind: 'Scale',
    causes: [{ reason: 'FieldValueInvalid', message, field: 'spec.replicas' }],
  })
}

/** The object with the wanted count; the version and the uid that the scale names bind the write as the object's own would. */
function scaled(form: ScaleForm, current: KubeObject, { metadata, spec }: Scale): JsonObject {
  const draft = copy(current)
  form.setReplicas(draft, spec?.replicas ?? 0)
  const { resourceVersion: _, ...kept } = draft.metadata
  const { resourceVersion, uid } = metadata ?? {}
  return { ...draft, metadata: { ...kept, ...(resourceVersion && { resourceVersion }), ...(uid && { uid }) } }
}
