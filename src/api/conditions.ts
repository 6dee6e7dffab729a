interface Condition {
  readonly type: string
  readonly status: string
}

/** Such as an object's status. */
interface Conditioned<Own extends Condition> {
  readonly conditions?: readonly Own[]
}

/** What a status says of one of its conditions. */
export const conditionOf = <Own extends Condition>(status: Conditioned<Own> | undefined, type: string): Own | undefined =>
  status?.conditions?.find((condition) => condition.type === type)

/** Whether a condition is known and true. */
export const isTrue = (status: Conditioned<Condition> | undefined, type: string): boolean => conditionOf(status, type)?.status === 'True'
