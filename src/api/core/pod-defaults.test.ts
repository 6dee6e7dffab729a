import { expect, test } from 'vitest'
import { defaultPodSpec, pullPolicyOf } from './pod-defaults.ts'

test.each([
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['nginx:1.27', 'IfNotPresent'],
  ['registry:5000/nginx', 'Always'],
  ['nginx@sha256:00', 'IfNotPresent'],
])('%s is pulled %s', (image, policy) => {
  expect(pullPolicyOf(image)).toBe(policy)
})

test('a spec gets its defaults once', () => {
  const spec = {
    containers: [
      {
        name: 'a',
        image: 'b:1',
        ports: [{ containerPort: 80 }],
        resources: { limits: { cpu: '1' } },
        readinessProbe: { httpGet: { port: 80 } },
      },
    ],
  }
  defaultPodSpec(spec)
  const once = structuredClone(spec)
  defaultPodSpec(spec)
  expect(spec).toEqual(once)
  expect(spec).toMatchObject({
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    containers: [
      {
        imagePullPolicy: 'IfNotPresent',
        ports: [{ protocol: 'TCP' }],
        resources: { requests: { cpu: '1' } },
        readinessProbe: { periodSeconds: 10, httpGet: { path: '/', scheme: 'HTTP' } },
      },
    ],
  })
})
