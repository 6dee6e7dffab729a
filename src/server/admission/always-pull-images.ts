import { copy } from '../../api/decode.ts'
import type { Pod, PodSpec } from '../../api/types/core-v1.ts'
import { type AdmissionPlugin, type AdmissionRequest, forbidden } from './admission.ts'
import { joined } from './joined.ts'

type Puller = { image?: string; imagePullPolicy?: string }
const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const

/** Every image is pulled, so that nobody runs one that lies on a node only because somebody else may pull it. */
export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  mutate(request) {
    const spec = specOf(request)
    if (!spec || !bringsImages(request, spec)) return
    for (const list of lists) for (const container of (spec[list] ?? []) as Puller[]) container.imagePullPolicy = 'Always'
    for (const volume of spec.volumes ?? []) if (volume.image) volume.image = { ...copy(volume.image), pullPolicy: 'Always' }
  },
  validate(request) {
    const spec = specOf(request)
    if (!spec || !bringsImages(request, spec)) return
    const wrong = lists.flatMap((list) =>
      ((spec[list] ?? []) as Puller[]).flatMap(({ imagePullPolicy }, index) =>
        imagePullPolicy === 'Always'
          ? []
          : [
              `spec.${list}[${index}].imagePullPolicy: Unsupported value: ${JSON.stringify(imagePullPolicy ?? '')}: supported values: "Always"`,
            ],
      ),
    )
    if (wrong.length > 0) throw forbidden(request, joined(wrong))
  },
}

function specOf({ kind, subresource, draft }: AdmissionRequest): PodSpec | undefined {
  const isPod = kind.group === '' && kind.plural === 'pods' && (subresource === '' || subresource === 'ephemeralcontainers')
  return isPod ? (draft?.spec as PodSpec | undefined) : undefined
}

/** An update that names no image anew leaves what was admitted, perhaps before this plug-in was there. */
function bringsImages({ operation, old }: AdmissionRequest, spec: PodSpec): boolean {
  if (operation !== 'UPDATE') return true
  const known = new Set(imagesOf((old as Pod).spec))
  return imagesOf(spec).some((image) => !known.has(image))
}

const imagesOf = (spec: PodSpec): string[] => lists.flatMap((list) => ((spec[list] ?? []) as Puller[]).map(({ image = '' }) => image))
