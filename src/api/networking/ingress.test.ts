import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const ingress = kindUnderTest('networking.k8s.io', 'v1', 'Ingress')
const ingressClass = kindUnderTest('networking.k8s.io', 'v1', 'IngressClass')
const backend = { service: { name: 'web', port: { number: 80 } } }
const rules = (path: object, host?: string) => ({
  rules: [{ ...(host && { host }), http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...path }] } }],
})

describe('an ingress', () => {
  const path = 'spec.rules[0].http.paths[0]'
  test.each([
    [{ defaultBackend: backend }, []],
    [{}, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
    [rules({}), []],
    [rules({}, '*.example.org'), []],
    [rules({}, '10.0.0.1'), ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address']],
    [rules({ pathType: undefined }), [`${path}.pathType: Required value: pathType must be specified`]],
    [rules({ path: 'a' }), [`${path}.path: Invalid value: "a": must be an absolute path`]],
    [rules({ path: '/a//b' }), [`${path}.path: Invalid value: "/a//b": must not contain '//'`]],
    [rules({ path: '/a/..' }), [`${path}.path: Invalid value: "/a/..": cannot end with '/..'`]],
    [rules({ pathType: 'ImplementationSpecific', path: '' }), []],
    [
      rules({ pathType: 'Any' }),
      [`${path}.pathType: Unsupported value: "Any": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    [{ rules: [{ http: { paths: [] } }] }, ['spec.rules[0].http.paths: Required value']],
    [{ defaultBackend: {} }, ['spec.defaultBackend: Invalid value: "": resource or service backend is required']],
    [
      { defaultBackend: { ...backend, resource: { kind: 'Bucket', name: 'b' } } },
      ['spec.defaultBackend: Invalid value: "": cannot set both resource and service backends'],
    ],
    [{ defaultBackend: { service: { name: 'web' } } }, ['spec.defaultBackend: Required value: port name or number is required']],
    [
      { defaultBackend: { service: { name: 'web', port: { name: 'http', number: 1 } } } },
      ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number'],
    ],
    [
      { defaultBackend: { service: { name: 'web', port: { number: 70_000 } } } },
      ['spec.defaultBackend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive'],
    ],
    [{ defaultBackend: { resource: { name: 'b' } } }, ['spec.defaultBackend.resource.kind: Required value: kind is required']],
  ])('%j: %j', (spec, problems) => {
    expect(ingress.problems({ spec })).toEqual(problems)
  })

  test('names hosts of certificates as DNS does', () => {
    const problems = ingress.problems({ spec: { defaultBackend: backend, tls: [{ hosts: ['*.*.org'], secretName: 'A' }] } })
    expect(problems[0]).toContain('spec.tls[0].hosts[0]: Invalid value: "*.*.org": a wildcard DNS-1123 subdomain must start with')
    expect(problems[1]).toContain('spec.tls[0].secretName: Invalid value: "A": a lowercase RFC 1123 subdomain')
  })

  test('says its class in one way', () => {
    const given = {
      metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } },
      spec: { defaultBackend: backend, ingressClassName: 'b' },
    }
    const problem = 'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified'
    expect(ingress.problems(given)).toEqual([problem])
    expect(ingress.updateProblems(given, given)).toEqual([])
  })

  test('its status has addresses', () => {
    const status = { loadBalancer: { ingress: [{ ip: 'x' }, { hostname: '10.0.0.1' }] } }
    expect(ingress.updateProblems({ spec: {} }, { spec: {}, status }, 'status')).toEqual([
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.loadBalancer.ingress[1].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ])
  })

  test('is shown with its hosts and addresses', () => {
    expect(ingress.columns).toBe('Name Class Hosts Address Ports Age')
    expect(ingress.cells({ spec: { defaultBackend: backend } })).toEqual(['a', '<none>', '*', '', '80', '5m'])
    const status = { loadBalancer: { ingress: [{ ip: '10.0.0.2' }, { ip: '10.0.0.1' }, { hostname: 'x.org' }, { ip: '10.0.0.1' }] } }
    const spec = {
      ingressClassName: 'nginx',
      tls: [{}],
      rules: ['a.org', 'b.org', 'c.org', 'd.org', 'e.org'].map((host) => ({ host })),
    }
    expect(ingress.cells({ spec, status })).toEqual([
      'a',
      'nginx',
      'a.org,b.org,c.org + 2 more...',
      '10.0.0.1,10.0.0.2,x.org',
      '80, 443',
      '5m',
    ])
  })
})

describe('a class of ingresses', () => {
  test('takes its parameters from the cluster', () => {
    const spec = { controller: 'x.org/y', parameters: { kind: 'K', name: 'n' } }
    expect(ingressClass.defaulted({ spec })).toMatchObject({ spec: { parameters: { scope: 'Cluster' } } })
    expect(ingressClass.problems({ spec })).toEqual([])
  })

  const parameters = { kind: 'K', name: 'n' }
  test.each([
    [{}, ['spec.controller: Required value']],
    [{ controller: 'x' }, ['spec.controller: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")']],
    [
      { controller: 'x.org/y', parameters: { ...parameters, scope: 'Namespace' } },
      ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ],
    [
      { controller: 'x.org/y', parameters: { ...parameters, scope: 'Cluster', namespace: 'n' } },
      ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ],
    [
      { controller: 'x.org/y', parameters: { ...parameters, scope: 'Any' } },
      ['spec.parameters.scope: Unsupported value: "Any": supported values: "Cluster", "Namespace"'],
    ],
  ])('%j: %j', (spec, problems) => {
    expect(ingressClass.problems({ spec })).toEqual(problems)
  })

  test('keeps its controller', () => {
    expect(ingressClass.updateProblems({ spec: { controller: 'x.org/y' } }, { spec: { controller: 'x.org/z' } })).toEqual([
      'spec.controller: Invalid value: "x.org/z": field is immutable',
    ])
  })

  test('is shown with its controller', () => {
    expect(ingressClass.columns).toBe('Name Controller Parameters Age')
    expect(ingressClass.cells({ spec: { controller: 'x/y' } })).toEqual(['a', 'x/y', '<none>', '5m'])
    const spec = { controller: 'x/y', parameters: { ...parameters, apiGroup: 'g.org' } }
    expect(ingressClass.cells({ spec })).toEqual(['a', 'x/y', 'K.g.org/n', '5m'])
  })
})
