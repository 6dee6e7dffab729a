import { defineKind } from '../define-kind.ts'
import { column, nameColumn } from '../table-columns.ts'
import type { ComponentStatus } from '../types/core-v1.ts'

const healthy = ({ conditions }: ComponentStatus) => conditions?.find(({ type }) => type === 'Healthy')

export const componentStatus = defineKind<ComponentStatus>({
  group: '',
  kind: 'ComponentStatus',
  shortNames: ['cs'],
  warnings: () => ['v1 ComponentStatus is deprecated in v1.19+'],
  columns: [
    nameColumn,
    column('Status', 'Status of the component conditions', (object) => {
      const condition = healthy(object)
      return condition ? (condition.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown'
    }),
    column('Message', 'Message of the component conditions', (object) => healthy(object)?.message ?? ''),
    column('Error', 'Error of the component conditions', (object) => healthy(object)?.error ?? ''),
  ],
})
