import { encode, type RecordType } from 'dns-packet'

const recursionDesired = 0x0100

/** A query of our own, for what an alias leads to; the forwarder gives it an id. */
export const aliasQuery = (name: string, type: RecordType): Buffer =>
  encode({ type: 'query', id: 0, flags: recursionDesired, questions: [{ name, type, class: 'IN' }] })
