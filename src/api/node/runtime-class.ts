import { checkFormat, checkLabels, type Found } from '../checks.ts'
import { checkContainerResources } from '../core/pod-rules/resource-rules.ts'
import { checkTolerations } from '../core/pod-rules/scheduling-rules.ts'
import { defineKind } from '../define-kind.ts'
import { dnsLabelProblems } from '../names.ts'
import { duplicate, invalid, type Problem } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { Toleration } from '../types/core-v1.ts'
import type { RuntimeClass } from '../types/node-v1.ts'

function checkEachOnce(found: Found, field: string, tolerations: readonly Toleration[] | undefined): void {
  const seen = new Set<string>()
  tolerations?.forEach((toleration, index) => {
    const { key = '', operator = '', value = '', effect = '' } = toleration
    const text = JSON.stringify([key, operator, value, effect])
    if (seen.has(text)) found.push(duplicate(`${field}[${index}]`, toleration))
    seen.add(text)
  })
}

export const runtimeClass = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  kind: 'RuntimeClass',
  versionRequired: true,
  validate({ handler = '', overhead, scheduling }) {
    const found: Problem[] = []
    checkFormat(found, 'handler', handler, dnsLabelProblems)
    if (overhead) checkContainerResources(found, 'overhead', { ...(overhead.podFixed && { limits: overhead.podFixed }) }, new Set())
    checkLabels(found, 'scheduling.nodeSelector', scheduling?.nodeSelector)
    checkTolerations(found, 'scheduling.tolerations', scheduling?.tolerations)
    checkEachOnce(found, 'scheduling.tolerations', scheduling?.tolerations)
    return found
  },
  validateUpdate: ({ handler }, old) => (handler === old.handler ? [] : [invalid('handler', handler, 'field is immutable')]),
  columns: [nameColumn, column('Handler', 'What the node calls the runtime.', ({ handler }) => handler ?? ''), ageColumn],
})
