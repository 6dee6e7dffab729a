/** What is wrong with one field; becomes a cause of a 422. Field paths and words are upstream's (`field.Error`). */
export interface Problem {
  readonly type:
    | 'FieldValueNotFound'
    | 'FieldValueRequired'
    | 'FieldValueDuplicate'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'InternalError'
  /** Such as `spec.containers[0].name`. */
  readonly field: string
  /** The whole sentence after the path, such as `Required value: must name a container`. */
  readonly message: string
}
