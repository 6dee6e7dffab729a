import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ApiServerFlags } from '../cli/api-server-flags.ts'
import { admissionConfigurations } from '../server/admission/admission-configuration.ts'
import { type AdmissionFactory, chosenAdmission } from '../server/admission/standard-admission.ts'

/** The plug-ins that the flags ask for; paths in the configuration are beside its file. */
export function admissionFor(flags: ApiServerFlags): readonly AdmissionFactory[] {
  const { 'enable-admission-plugins': enable = [], 'disable-admission-plugins': disable = [] } = flags
  const file = flags['admission-control-config-file']
  const configurations =
    file === undefined
      ? undefined
      : admissionConfigurations(readFileSync(file, 'utf8'), (path) => readFileSync(resolve(dirname(file), path), 'utf8'))
  return chosenAdmission({ enable, disable, ...(configurations && { configurations }) })
}
