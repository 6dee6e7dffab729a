import type { CustomResourceDefinition } from '../types/apiextensions-v1.ts'

/** The annotation by which a definition in one of Kubernetes' own groups says who agreed to it. */
export const approvalField = 'api-approved.kubernetes.io'

export type Approval = 'missing' | 'invalid' | 'approved' | 'bypassed'

const sentence = `protected groups must have approval annotation "${approvalField}"`
const seeApproval = 'see https://github.com/kubernetes/enhancements/pull/1111'

/** What is wrong with one that is missing, or says nothing that counts. */
export const approvalProblem = {
  missing: `${sentence}, ${seeApproval}`,
  invalid: `${sentence} with either a URL or a reason starting with "unapproved", ${seeApproval}`,
}

/** Whether the project that a group belongs to has agreed to the API. */
export function approvalOf({ metadata }: CustomResourceDefinition): Approval {
  const text = metadata.annotations?.[approvalField] ?? ''
  if (text === '') return 'missing'
  if (text.startsWith('unapproved')) return 'bypassed'
  return URL.canParse(text) && new URL(text).host !== '' ? 'approved' : 'invalid'
}

export const belongsToKubernetes = (group: string) => /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group)
