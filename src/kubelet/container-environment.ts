import type { ConfigMap, Container, EnvVar, Pod, Secret } from '../api/types/core-v1.ts'
import { ConfigProblem } from './config-problem.ts'
import { expandVariables } from './expand-variables.ts'
import { ownValue } from './own-value.ts'
import { type PodFieldFacts, podField, resourceField } from './pod-fields.ts'

export interface EnvironmentSources {
  readonly facts: PodFieldFacts
  readonly services: ReadonlyMap<string, string>
  configMap(name: string): ConfigMap | undefined
  secret(name: string): Secret | undefined
}

/** The variables of a container; pure. Later ones win, and may refer to earlier ones as $(NAME). */
export function containerEnvironment(pod: Pod, container: Container, sources: EnvironmentSources): Map<string, string> {
  const variables = new Map<string, string>()
  const valueFor = (name: string) => variables.get(name) ?? sources.services.get(name)
  for (const source of container.envFrom ?? []) {
    for (const [key, value] of Object.entries(wholeSource(source, sources))) variables.set(`${source.prefix ?? ''}${key}`, value)
  }
  for (const variable of container.env ?? []) {
    const value =
      variable.valueFrom === undefined ? expandVariables(variable.value ?? '', valueFor) : referredValue(pod, container, variable, sources)
    if (value !== undefined) variables.set(variable.name, value)
  }
  for (const [name, value] of sources.services) if (!variables.has(name)) variables.set(name, value)
  return variables
}

function wholeSource(
  { configMapRef, secretRef }: NonNullable<Container['envFrom']>[number],
  sources: EnvironmentSources,
): Record<string, string> {
  if (configMapRef) {
    const found = sources.configMap(configMapRef.name ?? '')
    if (!found && !configMapRef.optional) throw notFound('configmap', configMapRef.name)
    return found?.data ?? {}
  }
  if (!secretRef) return {}
  const found = sources.secret(secretRef.name ?? '')
  if (!found && !secretRef.optional) throw notFound('secret', secretRef.name)
  return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decoded(value)]))
}

function referredValue(pod: Pod, container: Container, { valueFrom }: EnvVar, sources: EnvironmentSources): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom ?? {}
  if (fieldRef) return known(podField(pod, fieldRef.fieldPath, sources.facts), `unsupported fieldPath: ${fieldRef.fieldPath}`)
  if (resourceFieldRef) {
    const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
    const named = resourceFieldRef.containerName ? all.find(({ name }) => name === resourceFieldRef.containerName) : container
    return known(
      named && resourceField(named, resourceFieldRef, sources.facts),
      `unsupported container resource: ${resourceFieldRef.resource}`,
    )
  }
  if (configMapKeyRef) {
    const { name = '', key, optional } = configMapKeyRef
    const found = sources.configMap(name)
    if (!found && !optional) throw notFound('configmap', name)
    const value = ownValue(found?.data, key)
    if (found && value === undefined && !optional) throw noKey('ConfigMap', pod, name, key)
    return value
  }
  if (secretKeyRef) {
    const { name = '', key, optional } = secretKeyRef
    const found = sources.secret(name)
    if (!found && !optional) throw notFound('secret', name)
    const value = ownValue(found?.data, key)
    if (found && value === undefined && !optional) throw noKey('Secret', pod, name, key)
    return value === undefined ? undefined : decoded(value)
  }
  throw new ConfigProblem('invalid environment variable: valueFrom names no source')
}

function known(value: string | undefined, message: string): string {
  if (value === undefined) throw new ConfigProblem(message)
  return value
}

const decoded = (base64: string) => Buffer.from(base64, 'base64').toString()
const notFound = (what: string, name = '') => new ConfigProblem(`${what} "${name}" not found`)
const noKey = (kind: string, { metadata }: Pod, name: string, key: string) =>
  new ConfigProblem(`couldn't find key ${key} in ${kind} ${metadata.namespace}/${name}`)
