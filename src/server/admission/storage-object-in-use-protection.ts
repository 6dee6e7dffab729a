import { metadataOf } from '../registry.ts'
import { type AdmissionPlugin, type AdmissionRequest, isWriteOf } from './admission.ts'

/** Storage that is in use stays until it is not: a controller takes the finalizer off then. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate(request) {
    const { operation, draft } = request
    if (operation !== 'CREATE' || !draft) return
    const finalizer = finalizerOf(request)
    if (finalizer === undefined) return
    const metadata = metadataOf(draft)
    const given = (metadata.finalizers ?? []) as readonly string[]
    if (!given.includes(finalizer)) metadata.finalizers = [...given, finalizer]
  },
}

function finalizerOf(request: AdmissionRequest): string | undefined {
  if (isWriteOf(request, '', 'persistentvolumes')) return 'kubernetes.io/pv-protection'
  if (isWriteOf(request, '', 'persistentvolumeclaims')) return 'kubernetes.io/pvc-protection'
  if (isWriteOf(request, 'storage.k8s.io', 'volumeattributesclasses')) return 'kubernetes.io/vac-protection'
  return undefined
}
