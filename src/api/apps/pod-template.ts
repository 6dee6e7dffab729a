import { checkLabelSelector, type Found, isEmptySelector } from '../checks.ts'
import { defaultPodSpec } from '../core/pod-defaults.ts'
import { checkPodSpec } from '../core/pod-rules/pod-spec-rules.ts'
import { matchesLabels, selectorOf } from '../label-selector.ts'
import type { JsonObject } from '../object.ts'
import { partOf } from '../part-of.ts'
import { forbidden, invalid, notSupported, required } from '../problem.ts'
import { checkTemplateMetadata } from '../template-metadata.ts'
import type { PodTemplateSpec } from '../types/core-v1.ts'
import type { LabelSelector } from '../types/meta-v1.ts'

/** The defaults of what a workload makes pods from; `spec` is the workload's. */
export function defaultTemplate(spec: JsonObject): void {
  const template = partOf(spec, 'template')
  partOf(template, 'metadata')
  defaultPodSpec(partOf(template, 'spec'))
}

export function checkTemplate(found: Found, field: string, template: PodTemplateSpec | undefined): void {
  checkTemplateMetadata(found, `${field}.metadata`, template?.metadata)
  if (!template?.spec) return
  checkPodSpec(found, `${field}.spec`, template.spec, false)
  if (template.spec.ephemeralContainers?.length)
    found.push(forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'))
}

/** A selector that must be there, select something, and select the template's pods. `kind` is in the words of the problems. */
export function checkSelectedTemplate(
  found: Found,
  field: string,
  { selector, template }: { readonly selector?: LabelSelector; readonly template?: PodTemplateSpec },
  emptyRule: string,
): void {
  if (!selector) found.push(required(`${field}.selector`))
  else {
    checkLabelSelector(found, `${field}.selector`, selector)
    if (isEmptySelector(selector)) found.push(invalid(`${field}.selector`, selector, emptyRule))
  }
  checkSelected(found, `${field}.template`, selector, template)
  checkTemplate(found, `${field}.template`, template)
}

function checkSelected(found: Found, field: string, selector: LabelSelector | undefined, template: PodTemplateSpec | undefined): void {
  const requirements = selectorOf(selector) ?? []
  const labels = template?.metadata?.labels
  if (requirements.length > 0 && !matchesLabels(requirements, labels))
    found.push(invalid(`${field}.metadata.labels`, labels ?? null, '`selector` does not match template `labels`'))
}

/** Pods of workloads that never end are always restarted, and have no deadline. `kind` such as `ReplicaSet`. */
export function checkRunsForever(found: Found, field: string, template: PodTemplateSpec | undefined, kind: string): void {
  const { restartPolicy = '', activeDeadlineSeconds } = template?.spec ?? {}
  if (restartPolicy !== 'Always' && restartPolicy !== '') found.push(notSupported(`${field}.spec.restartPolicy`, restartPolicy, ['Always']))
  if (activeDeadlineSeconds !== undefined)
    found.push(forbidden(`${field}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`))
}
