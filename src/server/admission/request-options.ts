import type { JsonObject } from '../../api/object.ts'
import type { AdmissionRequest } from './admission.ts'

const optionKinds = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const

/** The options of a request as admission shows them: those of what is done, whichever method asked for it. None for a connection. */
export function optionsOf({ operation, asked, dryRun, deletion }: AdmissionRequest): JsonObject | null {
  if (operation === 'CONNECT') return null
  const parameter = (name: string) => {
    const value = asked?.parameters.get(name)
    return value ? { [name]: value } : {}
  }
  return {
    kind: optionKinds[operation],
    apiVersion: 'meta.k8s.io/v1',
    ...(operation === 'DELETE' ? deleteFields(deletion) : { ...parameter('fieldManager'), ...parameter('fieldValidation') }),
    ...(dryRun && { dryRun: ['All'] }),
  }
}

function deleteFields(deletion: AdmissionRequest['deletion']): JsonObject {
  if (!deletion) return {}
  const { gracePeriodSeconds, propagationPolicy, preconditions } = deletion
  return {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(preconditions && Object.keys(preconditions).length > 0 && { preconditions: { ...preconditions } }),
    ...(propagationPolicy !== undefined && { propagationPolicy }),
  }
}
