import { checkFormat, checkName, checkOneOf, checkRequiredOneOf, type Found } from '../../checks.ts'
import { configKeyProblems, dnsLabelProblems, dnsSubdomainProblems } from '../../names.ts'
import { duplicate, forbidden, invalid, notFound, required } from '../../problem.ts'
import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, Volume, VolumeDevice, VolumeMount } from '../../types/core-v1.ts'
import { checkFieldRef, checkResourceFieldRef, volumeFields } from './environment-rules.ts'
import { checkDescendingPath, checkNoBacksteps } from './path-rules.ts'

const hostPathTypes = new Set(['', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'])
const pullPolicies = new Set(['Always', 'IfNotPresent', 'Never'])
const propagations = new Set(['Bidirectional', 'HostToContainer', 'None'])
const recursions = new Set(['Disabled', 'Enabled', 'IfPossible'])

/** The volumes of a pod by name, and what is wrong with them. */
export function checkVolumes(found: Found, field: string, volumes: readonly Volume[] | undefined): ReadonlyMap<string, Volume> {
  const byName = new Map<string, Volume>()
  volumes?.forEach((volume, index) => {
    const at = `${field}[${index}]`
    checkSource(found, at, volume)
    if (!volume.name) found.push(required(`${at}.name`))
    else {
      const before = found.length
      checkFormat(found, `${at}.name`, volume.name, dnsLabelProblems)
      if (byName.has(volume.name)) found.push(duplicate(`${at}.name`, volume.name))
      else if (found.length === before) byName.set(volume.name, volume)
    }
  })
  return byName
}

function checkSource(found: Found, field: string, volume: Volume): void {
  const sources = Object.keys(volume).filter((name) => name !== 'name')
  if (sources.length === 0) found.push(required(field, 'must specify a volume type'))
  for (const extra of sources.slice(1)) found.push(forbidden(`${field}.${extra}`, 'may not specify more than 1 volume type'))
  const { emptyDir, hostPath, secret, configMap, downwardAPI, projected, persistentVolumeClaim, ephemeral, nfs, csi, image } = volume
  if (emptyDir?.sizeLimit?.startsWith('-'))
    found.push(forbidden(`${field}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
  if (hostPath) {
    if (!hostPath.path) found.push(required(`${field}.hostPath.path`))
    else checkNoBacksteps(found, `${field}.hostPath.path`, hostPath.path)
    checkOneOf(found, `${field}.hostPath.type`, hostPath.type, hostPathTypes)
  }
  if (secret) {
    if (!secret.secretName) found.push(required(`${field}.secret.secretName`))
    checkFiles(found, `${field}.secret`, secret)
  }
  if (configMap) {
    if (!configMap.name) found.push(required(`${field}.configMap.name`))
    checkFiles(found, `${field}.configMap`, configMap)
  }
  if (downwardAPI) {
    checkMode(found, `${field}.downwardAPI.defaultMode`, downwardAPI.defaultMode)
    checkDownwardFiles(found, `${field}.downwardAPI`, downwardAPI.items)
  }
  if (projected) checkProjected(found, `${field}.projected`, projected)
  if (persistentVolumeClaim && !persistentVolumeClaim.claimName) found.push(required(`${field}.persistentVolumeClaim.claimName`))
  if (ephemeral && !ephemeral.volumeClaimTemplate) found.push(required(`${field}.ephemeral.volumeClaimTemplate`))
  if (nfs) {
    if (!nfs.server) found.push(required(`${field}.nfs.server`))
    if (!nfs.path) found.push(required(`${field}.nfs.path`))
    else if (!nfs.path.startsWith('/')) found.push(invalid(`${field}.nfs.path`, nfs.path, 'must be an absolute path'))
  }
  if (csi) checkName(found, `${field}.csi.driver`, csi.driver, dnsSubdomainProblems)
  if (image) {
    if (!image.reference) found.push(required(`${field}.image.reference`))
    checkRequiredOneOf(found, `${field}.image.pullPolicy`, image.pullPolicy, pullPolicies)
  }
}

function checkFiles(found: Found, field: string, { defaultMode, items }: { defaultMode?: number; items?: readonly KeyToPath[] }): void {
  checkMode(found, `${field}.defaultMode`, defaultMode)
  items?.forEach(({ key, path, mode }, index) => {
    const at = `${field}.items[${index}]`
    checkName(found, `${at}.key`, key, configKeyProblems)
    checkFilePath(found, `${at}.path`, path)
    checkMode(found, `${at}.mode`, mode)
  })
}

function checkDownwardFiles(found: Found, field: string, items: readonly DownwardAPIVolumeFile[] | undefined): void {
  items?.forEach(({ path, mode, fieldRef, resourceFieldRef }) => {
    checkFilePath(found, `${field}.path`, path)
    if (fieldRef) checkFieldRef(found, `${field}.fieldRef`, fieldRef, volumeFields)
    if (resourceFieldRef) checkResourceFieldRef(found, `${field}.resourceFieldRef`, resourceFieldRef, true)
    if (fieldRef && resourceFieldRef)
      found.push(invalid(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
    if (!fieldRef && !resourceFieldRef) found.push(required(field, 'one of fieldRef and resourceFieldRef is required'))
    checkMode(found, `${field}.mode`, mode)
  })
}

function checkProjected(found: Found, field: string, { defaultMode, sources }: ProjectedVolumeSource): void {
  checkMode(found, `${field}.defaultMode`, defaultMode)
  sources?.forEach((source, index) => {
    const at = `${field}.sources[${index}]`
    const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle } = source
    for (const extra of Object.keys(source).slice(1)) found.push(forbidden(`${at}.${extra}`, 'may not specify more than 1 volume type'))
    if (secret) {
      if (!secret.name) found.push(required(`${at}.secret.name`))
      checkFiles(found, `${at}.secret`, secret)
    }
    if (configMap) {
      if (!configMap.name) found.push(required(`${at}.configMap.name`))
      checkFiles(found, `${at}.configMap`, configMap)
    }
    if (downwardAPI) checkDownwardFiles(found, `${at}.downwardAPI`, downwardAPI.items)
    if (serviceAccountToken) {
      const seconds = serviceAccountToken.expirationSeconds ?? 0
      if (seconds < 600)
        found.push(invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
      if (seconds > 2 ** 32)
        found.push(invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
      if (!serviceAccountToken.path) found.push(required(`${at}.serviceAccountToken.path`))
      else checkDescendingPath(found, `${at}.serviceAccountToken.path`, serviceAccountToken.path)
    }
    if (clusterTrustBundle) checkFilePath(found, `${at}.clusterTrustBundle.path`, clusterTrustBundle.path)
  })
}

const checkMode = (found: Found, field: string, mode: number | undefined): void => {
  if (mode !== undefined && (mode < 0 || mode > 0o777))
    found.push(invalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive'))
}

/** Where in a volume a file lies; names that begin with two dots are the volume's own. */
function checkFilePath(found: Found, field: string, path: string): void {
  if (!path) {
    found.push(required(field))
    return
  }
  checkDescendingPath(found, field, path)
  if (path.startsWith('..') && path !== '..' && !path.startsWith('../')) found.push(invalid(field, path, "must not start with '..'"))
}

export function checkMounts(
  found: Found,
  field: string,
  container: {
    readonly volumeMounts?: readonly VolumeMount[]
    readonly volumeDevices?: readonly VolumeDevice[]
    readonly securityContext?: { privileged?: boolean }
  },
  volumes: ReadonlyMap<string, Volume>,
): void {
  const { volumeMounts = [], volumeDevices = [] } = container
  const paths = new Set<string>()
  volumeMounts.forEach((mount, index) => {
    const at = `${field}.volumeMounts[${index}]`
    const { name, mountPath, subPath, subPathExpr, mountPropagation, recursiveReadOnly } = mount
    if (!name) found.push(required(`${at}.name`))
    const volume = volumes.get(name)
    if (!volume) found.push(notFound(`${at}.name`, name ?? ''))
    if (!mountPath) found.push(required(`${at}.mountPath`))
    if (paths.has(mountPath)) found.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'))
    paths.add(mountPath)
    if (volumeDevices.some((device) => device.name === name))
      found.push(invalid(`${at}.name`, name, 'must not already exist in volumeDevices'))
    if (volumeDevices.some((device) => device.devicePath === mountPath))
      found.push(invalid(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'))
    if (subPath) checkDescendingPath(found, `${field}.volumeMounts.subPath`, subPath)
    if (subPathExpr) {
      if (subPath) found.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
      checkDescendingPath(found, `${field}.volumeMounts.subPathExpr`, subPathExpr)
    }
    checkOneOf(found, `${field}.volumeMounts.mountPropagation`, mountPropagation, propagations)
    if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged)
      found.push(
        forbidden(`${field}.volumeMounts.mountPropagation`, 'Bidirectional mount propagation is available only to privileged containers'),
      )
    checkOneOf(found, `${field}.volumeMounts.recursiveReadOnly`, recursiveReadOnly, recursions)
    if (recursiveReadOnly !== undefined && recursiveReadOnly !== 'Disabled' && !mount.readOnly)
      found.push(forbidden(`${field}.volumeMounts.recursiveReadOnly`, 'may only be specified when readOnly is true'))
  })
  checkDevices(found, `${field}.volumeDevices`, volumeDevices, volumeMounts, volumes)
}

function checkDevices(
  found: Found,
  field: string,
  devices: readonly VolumeDevice[],
  mounts: readonly VolumeMount[],
  volumes: ReadonlyMap<string, Volume>,
): void {
  const names = new Set<string>()
  const paths = new Set<string>()
  devices.forEach(({ name, devicePath }, index) => {
    const at = `${field}[${index}]`
    const volume = volumes.get(name)
    if (!name) found.push(required(`${at}.name`))
    if (names.has(name)) found.push(invalid(`${at}.name`, name, 'must be unique'))
    if (!volume) found.push(notFound(`${at}.name`, name ?? ''))
    else if (!volume.persistentVolumeClaim && !volume.ephemeral)
      found.push(invalid(`${at}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'))
    if (!devicePath) found.push(required(`${at}.devicePath`))
    if (paths.has(devicePath)) found.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'))
    if (devicePath?.split('/').includes('..')) found.push(invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')"))
    if (mounts.some((mount) => mount.name === name)) found.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'))
    if (mounts.some((mount) => mount.mountPath === devicePath))
      found.push(invalid(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'))
    names.add(name)
    paths.add(devicePath)
  })
}
