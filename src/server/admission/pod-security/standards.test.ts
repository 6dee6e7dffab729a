import { describe, expect, test } from 'vitest'
import type { PodSpec } from '../../../api/types/core-v1.ts'
import type { LevelVersion } from './policy.ts'
import { noPolicy, policyOf, versionOf } from './policy.ts'
import { violationsOf } from './standards.ts'

const latest = (level: LevelVersion['level']): LevelVersion => ({ level, version: 'latest' })
const said = (standard: LevelVersion, spec: object, annotations?: Record<string, string>) =>
  violationsOf(standard, annotations ? { annotations } : {}, spec as PodSpec).map(({ reason, detail }) => `${reason} (${detail})`)
/** Containers with a security context, called a, b, … */
const containers = (...contexts: object[]) => ({
  containers: contexts.map((securityContext, index) => ({ name: String.fromCharCode(97 + index), securityContext })),
})
const plain = { containers: [{ name: 'a' }] }

describe('baseline', () => {
  test.each<[object, string]>([
    [
      containers({ appArmorProfile: { type: 'Unconfined' } }),
      'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      containers({ capabilities: { add: ['NET_ADMIN', 'CHOWN'] } }, { capabilities: { add: ['ALL'] } }),
      'non-default capabilities (containers "a", "b" must not include "ALL", "NET_ADMIN" in securityContext.capabilities.add)',
    ],
    [{ ...plain, hostNetwork: true, hostIPC: true }, 'host namespaces (hostNetwork=true, hostIPC=true)'],
    [{ ...plain, volumes: [{ name: 'v', hostPath: { path: '/' } }] }, 'hostPath volumes (volume "v")'],
    [
      {
        containers: [
          { name: 'a', ports: [{ hostPort: 80 }, { hostPort: 443 }] },
          { name: 'b', ports: [{ hostPort: 80 }] },
        ],
      },
      'hostPort (containers "a", "b" use hostPorts 443, 80)',
    ],
    [
      { containers: [{ name: 'a', livenessProbe: { httpGet: { host: '10.0.0.1' } } }] },
      'probe or lifecycle host (container "a" uses probe or lifecycle host "10.0.0.1")',
    ],
    [
      { ...plain, initContainers: [{ name: 'i', securityContext: { privileged: true } }] },
      'privileged (container "i" must not set securityContext.privileged=true)',
    ],
    [containers({ procMount: 'Unmasked' }), 'procMount (container "a" must not set securityContext.procMount to "Unmasked")'],
    [
      { ...containers({ seLinuxOptions: { type: 'spc_t' } }), securityContext: { seLinuxOptions: { user: 'u' } } },
      'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    ],
    [
      { ...plain, securityContext: { seccompProfile: { type: 'Unconfined' } } },
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      { ...plain, securityContext: { sysctls: [{ name: 'kernel.msgmax' }, { name: 'net.ipv4.tcp_rmem' }] } },
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      containers({ windowsOptions: { hostProcess: true } }),
      'hostProcess (container "a" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
  ])('%j', (spec, words) => {
    expect(said(latest('baseline'), spec)).toEqual([words])
    expect(said(latest('privileged'), spec)).toEqual([])
  })

  test('a plain pod, and one that says what is usual', () => {
    expect(said(latest('baseline'), plain)).toEqual([])
    const usual = { capabilities: { add: ['NET_BIND_SERVICE'] }, seccompProfile: { type: 'RuntimeDefault' }, procMount: 'Default' }
    expect(said(latest('baseline'), { ...containers(usual), securityContext: { sysctls: [{ name: 'kernel.shm_rmid_forced' }] } })).toEqual(
      [],
    )
  })

  test('profiles in annotations, as of old', () => {
    const apparmor = { 'container.apparmor.security.beta.kubernetes.io/a': 'unconfined' }
    expect(said(latest('baseline'), plain, apparmor)).toEqual([
      'forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/a=\\"unconfined\\"")',
    ])
    const seccomp = { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }
    expect(said(latest('baseline'), plain, seccomp)).toEqual([])
    expect(said({ level: 'baseline', version: 18 }, plain, seccomp)).toEqual([
      'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
    ])
  })
})

const good = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
const goodPod = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }

describe('restricted', () => {
  test('a plain pod breaks what has to be said', () => {
    expect(said(latest('restricted'), plain)).toEqual([
      'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)',
      'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"])',
      'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
      'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ])
    expect(said(latest('restricted'), { ...containers(good), securityContext: goodPod })).toEqual([])
  })

  test.each<[object, string]>([
    [
      { ...containers({ ...good, capabilities: { drop: ['ALL'], add: ['CHOWN', 'NET_BIND_SERVICE'] } }), securityContext: goodPod },
      'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      {
        ...containers(good),
        securityContext: goodPod,
        volumes: [
          { name: 'v', hostPath: { path: '/' } },
          { name: 'w', nfs: {} },
        ],
      },
      'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
    ],
    [
      { ...containers({ ...good, runAsNonRoot: false }), securityContext: goodPod },
      'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
    ],
    [{ ...containers(good), securityContext: { ...goodPod, runAsUser: 0 } }, 'runAsUser=0 (pod must not set runAsUser=0)'],
  ])('%j', (spec, words) => {
    expect(said(latest('restricted'), spec)).toEqual([words])
  })

  test('older versions ask less, pods for Windows too, and root in a user namespace is nobody', () => {
    const names = (minor: number, spec: object) =>
      violationsOf({ level: 'restricted', version: minor }, {}, spec as PodSpec).map(({ reason }) => reason)
    expect(names(5, plain)).toEqual(['runAsNonRoot != true'])
    expect(names(21, plain)).toEqual(['allowPrivilegeEscalation != false', 'runAsNonRoot != true', 'seccompProfile'])
    expect(names(24, { ...plain, os: { name: 'windows' } })).toHaveLength(4)
    expect(names(25, { ...plain, os: { name: 'windows' } })).toEqual(['runAsNonRoot != true'])
    expect(
      names(36, { ...containers(good), securityContext: { seccompProfile: { type: 'Localhost' }, runAsUser: 0 }, hostUsers: false }),
    ).toEqual([])
  })
})

describe('labels', () => {
  const p = 'pod-security.kubernetes.io/'
  test('what is not warned of by itself is warned of as it is enforced', () => {
    expect(policyOf({ [`${p}enforce`]: 'baseline', [`${p}enforce-version`]: 'v1.30' }, noPolicy).policy).toEqual({
      enforce: { level: 'baseline', version: 30 },
      audit: latest('privileged'),
      warn: { level: 'baseline', version: 30 },
    })
    expect(policyOf({ [`${p}enforce`]: 'baseline', [`${p}warn`]: 'restricted' }, noPolicy).policy.warn).toEqual(latest('restricted'))
  })

  test('what cannot be read is enforced as the strictest, and nothing else', () => {
    const { policy, problems } = policyOf({ [`${p}enforce`]: 'x', [`${p}audit`]: 'y', [`${p}warn-version`]: '1.2' }, noPolicy)
    expect(policy.enforce.level).toBe('restricted')
    expect(policy.audit.level).toBe('privileged')
    expect(problems.map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "x": must be one of privileged, baseline, restricted',
      'metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: "y": must be one of privileged, baseline, restricted',
      'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.2": must be "latest" or "v1.x"',
    ])
  })

  test.each([
    ['latest', 'latest'],
    ['v1.0', 0],
    ['v1.36', 36],
    ['v1.036', undefined],
    ['v2.1', undefined],
    ['', undefined],
  ])('version %s', (text, version) => {
    expect(versionOf(text)).toBe(version)
  })
})
