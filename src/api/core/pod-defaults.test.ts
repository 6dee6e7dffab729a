import { expect, test } from 'vitest'
import { defaultPod, defaultPodSpec, pullPolicyOf } from './pod-defaults.ts'

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
        resources: { limits: { cpu: '1' } },
        readinessProbe: { periodSeconds: 10, httpGet: { path: '/', scheme: 'HTTP' } },
      },
    ],
  })
})

test('a pod requests what it limits, a template does not say so', () => {
  const container = () => ({ name: 'a', image: 'b', resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } })
  const template = { containers: [container()] }
  defaultPodSpec(template)
  expect(template.containers[0]?.resources.requests).toEqual({ cpu: '500m' })
  const pod = { spec: { containers: [container()], hostNetwork: true } }
  defaultPod(pod)
  expect(pod.spec.containers[0]?.resources.requests).toEqual({ cpu: '500m', memory: '1Gi' })
})

test('volumes, probes, handlers and references get what they leave out', () => {
  const spec = {
    containers: [
      {
        name: 'a',
        env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        livenessProbe: { grpc: { port: 1 } },
        lifecycle: { preStop: { httpGet: { port: 1 } } },
      },
    ],
    volumes: [
      { name: 'empty' },
      { name: 'host', hostPath: { path: '/x' } },
      {
        name: 'all',
        projected: {
          sources: [
            { serviceAccountToken: { path: 't' } },
            { downwardAPI: { items: [{ path: 'x', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          ],
        },
      },
      { name: 'image', image: { reference: 'a:1' } },
    ],
    serviceAccount: 'old',
  }
  defaultPodSpec(spec)
  expect(spec).toMatchObject({
    serviceAccountName: 'old',
    containers: [
      {
        env: [{ valueFrom: { fieldRef: { apiVersion: 'v1' } } }],
        livenessProbe: { grpc: { service: '' }, successThreshold: 1 },
        lifecycle: { preStop: { httpGet: { path: '/', scheme: 'HTTP' } } },
      },
    ],
    volumes: [
      { emptyDir: {} },
      { hostPath: { type: '' } },
      {
        projected: {
          defaultMode: 0o644,
          sources: [{ serviceAccountToken: { expirationSeconds: 3600 } }, { downwardAPI: { items: [{ fieldRef: { apiVersion: 'v1' } }] } }],
        },
      },
      { image: { pullPolicy: 'IfNotPresent' } },
    ],
  })
})
