import type { Catalog } from '../../api/catalog.ts'
import { putAt } from '../../api/custom-resources/scale-fields.ts'
import { copy } from '../../api/decode.ts'
import type { Kind, StorageCodec } from '../../api/kind.ts'
import { type JsonObject, type KubeObject, setField } from '../../api/object.ts'
import { apiVersionOf } from '../../api/resource-ref.ts'
import type { Scale } from '../../api/types/autoscaling-v1.ts'
import { decodeFor } from '../body.ts'
import { metadataOf } from '../registry.ts'
import { storedForm } from '../stored-form.ts'
import { scaleOf } from '../subresources/scale.ts'
import { type SubresourceBody, subresourceBody } from '../subresources/subresource-body.ts'
import type { AdmissionRequest } from './admission.ts'

/**
 * Between what the server works with and what somebody outside is shown of a write: another version of the object, or
 * what a subresource speaks.
 */
export interface ShownForm {
  show(object: JsonObject): JsonObject
  /** Makes the draft what somebody made of its shown form, with what it left out filled in. Throws a StatusError for what cannot be read. */
  adopt(draft: JsonObject, changed: JsonObject): void
}

/** What of metadata nobody but the server decides, or only by the path of the request. */
const identity = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
] as const

export type ShownFormOf = (request: Pick<AdmissionRequest, 'kind' | 'subresource'>, shown: Kind) => ShownForm

export function shownForms(catalog: Catalog): ShownFormOf {
  const body = subresourceBody(catalog.definitions)
  return ({ kind, subresource }, shown) => {
    if (subresource === 'scale') return scaleForm(kind)
    const below = subresource === '' ? undefined : kind.subresources.get(subresource)
    if (below && (below.kind.kind !== kind.kind || below.kind.group !== kind.group)) return ownForm(body, below)
    return wholeForm(catalog, kind, shown)
  }
}

/** The object itself, in any of its versions. */
function wholeForm(catalog: Catalog, kind: Kind, shown: Kind): ShownForm {
  const between = kind.storage.codec ? customVersions(kind, shown, kind.storage.codec) : storedVersions(catalog, shown)
  const isSame = shown === kind
  return {
    show: (object) => (isSame ? object : between.show(object)),
    adopt(draft, changed) {
      const { object } = decodeFor(shown, changed)
      const stored = isSame ? object : between.adopt(object)
      const [metadata, before] = [metadataOf(stored), metadataOf(draft)]
      for (const field of identity) {
        if (before[field] === undefined) delete metadata[field]
        else metadata[field] = before[field]
      }
      const { apiVersion, kind: name } = draft
      replace(draft, { ...stored, apiVersion, kind: name })
      kind.strategy.defaults(draft)
    },
  }
}

/** From the version that the server works with to the one that is shown, and back. */
interface Between {
  show(object: JsonObject): JsonObject
  adopt(object: JsonObject): JsonObject
}

function storedVersions(catalog: Catalog, shown: Kind): Between {
  const form = storedForm(catalog, shown)
  return {
    show: (object) => form.fromStored(object as unknown as KubeObject) as unknown as JsonObject,
    adopt: (object) => form.toStored(object),
  }
}

/** Custom resources are worked with in the version of the request. */
function customVersions(kind: Kind, shown: Kind, codec: StorageCodec): Between {
  const inKind = (object: JsonObject, wanted: Kind) => {
    const draft = decodeFor(wanted, codec.inVersion(object, apiVersionOf(wanted))).object
    wanted.strategy.defaults(draft)
    return draft
  }
  return { show: (object) => inKind(object, shown), adopt: (object) => inKind(object, kind) }
}

/** What is written through `scale` is the whole object, of which a Scale is shown. */
const scaleForm = (kind: Kind): ShownForm => ({
  show: (object) => scaleOf(object as unknown as KubeObject, kind) as unknown as JsonObject,
  adopt(draft, changed) {
    const { spec } = changed as unknown as Scale
    putAt(draft, kind.scale?.specReplicas ?? ['spec', 'replicas'], spec?.replicas ?? 0)
  },
})

/** A subresource with words of its own: a Binding, an Eviction, the options of a connection. */
const ownForm = (body: SubresourceBody, subresource: Parameters<SubresourceBody['decode']>[0]): ShownForm => ({
  show: (object) => object,
  adopt: (draft, changed) => replace(draft, body.decode(subresource, changed)),
})

function replace(draft: JsonObject, by: JsonObject): void {
  for (const field of Object.keys(draft)) delete draft[field]
  for (const field of Object.keys(by)) setField(draft, field, copy(by[field]))
}
