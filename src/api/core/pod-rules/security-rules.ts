import { checkOneOf, checkRequiredOneOf, type Found } from '../../checks.ts'
import { duplicate, forbidden, invalid, required } from '../../problem.ts'
import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from '../../types/core-v1.ts'
import { checkDescendingPath } from './path-rules.ts'

const profileTypes = new Set(['Localhost', 'RuntimeDefault', 'Unconfined'])
const changePolicies = new Set(['Always', 'OnRootMismatch'])
const groupPolicies = new Set(['Merge', 'Strict'])
const linuxChangePolicies = new Set(['MountOption', 'Recursive'])
const procMounts = new Set(['Default', 'Unmasked'])
const maxId = 2_147_483_647
const sysctlName = /^(?:[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/

export function checkPodSecurity(found: Found, field: string, spec: PodSpec): void {
  const context = spec.securityContext
  if (!context) return
  const at = `${field}.securityContext`
  checkId(found, `${at}.fsGroup`, context.fsGroup)
  checkId(found, `${at}.runAsUser`, context.runAsUser)
  checkId(found, `${at}.runAsGroup`, context.runAsGroup)
  context.supplementalGroups?.forEach((group, index) => {
    checkId(found, `${at}.supplementalGroups[${index}]`, group)
  })
  if (spec.shareProcessNamespace && spec.hostPID)
    found.push(invalid(`${at}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'))
  checkSysctls(found, `${at}.sysctls`, spec)
  checkOneOf(found, `${at}.fsGroupChangePolicy`, context.fsGroupChangePolicy, changePolicies)
  checkSeccomp(found, `${at}.seccompProfile`, context.seccompProfile)
  checkAppArmor(found, `${at}.appArmorProfile`, context.appArmorProfile)
  checkOneOf(found, `${at}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, groupPolicies)
  checkOneOf(found, `${at}.seLinuxChangePolicy`, context.seLinuxChangePolicy, linuxChangePolicies)
}

export function checkContainerSecurity(found: Found, field: string, context: SecurityContext | undefined, hostUsers: boolean): void {
  if (!context) return
  checkId(found, `${field}.runAsUser`, context.runAsUser)
  checkId(found, `${field}.runAsGroup`, context.runAsGroup)
  checkOneOf(found, `${field}.procMount`, context.procMount, procMounts)
  if (hostUsers && context.procMount === 'Unmasked')
    found.push(invalid(`${field}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'))
  checkSeccomp(found, `${field}.seccompProfile`, context.seccompProfile)
  checkAppArmor(found, `${field}.appArmorProfile`, context.appArmorProfile)
  if (context.allowPrivilegeEscalation !== false) return
  if (context.privileged) found.push(invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'))
  if (context.capabilities?.add?.includes('CAP_SYS_ADMIN'))
    found.push(invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'))
}

function checkId(found: Found, field: string, id: number | undefined): void {
  if (id !== undefined && (id < 0 || id > maxId)) found.push(invalid(field, id, `must be between 0 and ${maxId}, inclusive`))
}

function checkSysctls(found: Found, field: string, { securityContext, hostNetwork, hostIPC }: PodSpec): void {
  const names = new Set<string>()
  securityContext?.sysctls?.forEach(({ name }, index) => {
    const at = `${field}[${index}].name`
    if (!name) found.push(required(at))
    else if (name.length > 253 || !sysctlName.test(name))
      found.push(invalid(at, name, `must have at most 253 characters and match regex ${sysctlPattern}`))
    else if (names.has(name)) found.push(duplicate(at, name))
    names.add(name)
    const plain = name.replaceAll('/', '.')
    if (hostNetwork && plain.startsWith('net.')) found.push(invalid(at, name, "may not be specified when 'hostNetwork' is true"))
    if (hostIPC && /^(kernel\.(shm|msg)|kernel\.sem$|fs\.mqueue\.)/.test(plain))
      found.push(invalid(at, name, "may not be specified when 'hostIPC' is true"))
  })
}

/** As upstream writes the rule. */
const sysctlPattern = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'

function checkSeccomp(found: Found, field: string, profile: SeccompProfile | undefined): void {
  if (!profile) return
  checkRequiredOneOf(found, `${field}.type`, profile.type, profileTypes, 'type is required when seccompProfile is set')
  if (profile.type !== 'Localhost') {
    if (profile.localhostProfile !== undefined)
      found.push(invalid(`${field}.localhostProfile`, profile, 'can only be set when seccomp type is Localhost'))
  } else if (profile.localhostProfile === undefined)
    found.push(required(`${field}.localhostProfile`, 'must be set when seccomp type is Localhost'))
  else checkDescendingPath(found, `${field}.localhostProfile`, profile.localhostProfile)
}

function checkAppArmor(found: Found, field: string, profile: AppArmorProfile | undefined): void {
  if (!profile) return
  checkRequiredOneOf(found, `${field}.type`, profile.type, profileTypes, 'type is required when appArmorProfile is set')
  const name = profile.localhostProfile
  if (profile.type !== 'Localhost') {
    if (name !== undefined && profileTypes.has(profile.type))
      found.push(invalid(`${field}.localhostProfile`, name, 'can only be set when AppArmor type is Localhost'))
  } else if (!name) found.push(required(`${field}.localhostProfile`, 'must be set when AppArmor type is Localhost'))
  else if (name.trim() !== name) found.push(invalid(`${field}.localhostProfile`, name, 'must not be padded with whitespace'))
}

/** A user namespace of its own does not go with the host's other namespaces. */
export function checkHostUsers(found: Found, field: string, spec: PodSpec): void {
  if (spec.hostUsers !== false) return
  const rule = 'when `hostUsers` is false'
  if (spec.hostNetwork) found.push(forbidden(`${field}.hostNetwork`, rule))
  if (spec.hostPID) found.push(forbidden(`${field}.hostPID`, rule))
  if (spec.hostIPC) found.push(forbidden(`${field}.hostIPC`, rule))
}
