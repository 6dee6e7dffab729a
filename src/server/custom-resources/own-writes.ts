import type { WriteOptions } from '../registry.ts'

/** As whom the server itself writes. */
export const ownWrites: WriteOptions = {
  user: { name: 'system:apiserver', groups: ['system:masters'] },
  dryRun: false,
  fieldManager: 'kube-apiserver',
}
