import { expect, test } from 'vitest'
import { readVerdict } from './admission-review.ts'

const patch = Buffer.from('[{"op":"add","path":"/data","value":{}}]').toString('base64')
const reviewOf = (version: string, response: object) => ({
  apiVersion: `admission.k8s.io/${version}`,
  kind: 'AdmissionReview',
  response: { uid: 'u', allowed: true, ...response },
})
const read = (version: string, response: object, mayPatch: boolean) =>
  readVerdict(reviewOf(version, response), 'u', `admission.k8s.io/${version}`, mayPatch).patch

test('a patch of v1beta1 needs no type, one of v1 does', () => {
  expect(read('v1beta1', { patch }, true)).toEqual([{ op: 'add', path: '/data', value: {} }])
  expect(read('v1', { patch, patchType: 'JSONPatch' }, true)).toHaveLength(1)
  expect(() => read('v1', { patch }, true)).toThrow('invalid response.patchType')
})

test('a patch that a validating webhook makes counts for nothing in v1beta1, and is an error in v1', () => {
  expect(read('v1beta1', { patch, patchType: 'JSONPatch' }, false)).toBeUndefined()
  expect(() => read('v1', { patch, patchType: 'JSONPatch' }, false)).toThrow('may not return')
})
