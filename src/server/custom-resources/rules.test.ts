import { expect, test } from 'vitest'
import { serverWith } from '../admission/admission-fixture.ts'

const rule = (text: string, more: object = {}) => ({ 'x-kubernetes-validations': [{ rule: text, ...more }] })

const definition = (spec: object) => ({
  metadata: { name: 'widgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        subresources: { status: {} },
      },
    ],
  },
})

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const widgets = '/apis/example.org/v1/namespaces/default/widgets'
const widget = (spec: object) => ({ apiVersion: 'example.org/v1', kind: 'Widget', metadata: { name: 'w' }, spec })

test('objects keep the rules of their schema', async () => {
  const { send } = await serverWith([])
  const spec = {
    type: 'object',
    properties: {
      min: { type: 'integer' },
      max: { type: 'integer' },
      zone: { type: 'string', maxLength: 63, ...rule('self == oldSelf', { message: 'zone is immutable' }) },
    },
    ...rule('self.min <= self.max', { messageExpression: "'min %d is above max %d'.format([self.min, self.max])" }),
  }
  expect(await send('POST', definitions, definition(spec))).toMatchObject({ status: 201 })
  expect((await send('POST', widgets, widget({ min: 3, max: 2 }))).object).toMatchObject({
    code: 422,
    message: 'Widget.example.org "w" is invalid: spec: Invalid value: "object": min 3 is above max 2',
  })
  expect((await send('POST', widgets, widget({ min: 1, max: 2, zone: 'a' }))).status).toBe(201)
  expect((await send('PATCH', `${widgets}/w`, { spec: { zone: 'b' } })).object).toMatchObject({
    code: 422,
    message: 'Widget.example.org "w" is invalid: spec.zone: Invalid value: "string": zone is immutable',
  })
  expect((await send('PATCH', `${widgets}/w`, { spec: { max: 5 } })).status).toBe(200)
})

test('a definition whose rules cannot be used is refused', async () => {
  const { send } = await serverWith([])
  const { object } = await send('POST', definitions, definition({ type: 'object', properties: {}, ...rule('self.nope == 1') }))
  expect(object).toMatchObject({ code: 422, message: expect.stringContaining("undefined field 'nope'") })
})
