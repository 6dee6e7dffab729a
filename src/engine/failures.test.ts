import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from './engine.ts'
import { createContainer, type EnginePlace, newEnginePlace, podConfig, startPod } from './engine-fixture.ts'

const root = process.getuid?.() === 0

describe.skipIf(!root)(`what fails in an engine${root ? '' : ' (skipped: needs root)'}`, { timeout: 60_000 }, () => {
  let place: EnginePlace
  let engine: Engine
  beforeAll(() => {
    place = newEnginePlace()
  })
  afterEach(() => engine?.close())
  afterAll(() => place?.remove(), 60_000)

  /** A network that fails as often as is said. */
  const failing = (left: { attach: number; detach: number }) => {
    const { network } = place.options
    const fail = (what: 'attach' | 'detach') => {
      if (left[what]-- > 0) throw new Error(`${what} failed`)
    }
    return {
      ...network,
      attach: async (...args: Parameters<typeof network.attach>) => {
        fail('attach')
        return network.attach(...args)
      },
      detach: async (id: string) => {
        fail('detach')
        return network.detach(id)
      },
    }
  }

  test('a sandbox that cannot be made nor taken away is shown, removed and made again', async () => {
    engine = await place.open({ network: failing({ attach: 1, detach: 1 }) })
    const { runtime } = engine
    const config = podConfig(place)
    await expect(runtime.runPodSandbox({ config })).rejects.toThrow('attach failed')
    const { items } = await runtime.listPodSandbox({})
    expect(items).toEqual([expect.objectContaining({ state: 'SANDBOX_NOTREADY', metadata: config.metadata })])
    await expect(runtime.runPodSandbox({ config })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await runtime.removePodSandbox({ podSandboxId: items?.[0]?.id ?? '' })
    const { podSandboxId = '' } = await runtime.runPodSandbox({ config })
    await runtime.removePodSandbox({ podSandboxId })
  })

  test('an engine opens although what the one before left half-made cannot be removed yet', async () => {
    const { network } = place.options
    let attaching = () => {}
    const reached = new Promise<void>((resolve) => {
      attaching = resolve
    })
    const attach = () => {
      attaching()
      return new Promise<never>(() => {})
    }
    const killed = await place.open({ network: { ...network, attach } })
    void killed.runtime.runPodSandbox({ config: podConfig(place) })
    await reached
    await killed.close()
    engine = await place.open({ network: failing({ attach: 0, detach: 1 }) })
    const { items } = await engine.runtime.listPodSandbox({})
    expect(items).toEqual([expect.objectContaining({ state: 'SANDBOX_NOTREADY' })])
    await engine.runtime.removePodSandbox({ podSandboxId: items?.[0]?.id ?? '' })
    expect((await engine.runtime.listPodSandbox({})).items).toEqual([])
  })

  test('of two requests for the same sandbox or container one is refused', async () => {
    engine = await place.open()
    const { runtime } = engine
    const config = podConfig(place)
    const both = await Promise.allSettled([runtime.runPodSandbox({ config }), runtime.runPodSandbox({ config })])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const [sandbox] = (await runtime.listPodSandbox({})).items ?? []
    const podSandboxId = sandbox?.id ?? ''
    const containers = await Promise.allSettled([
      createContainer(runtime, podSandboxId, ['true']),
      createContainer(runtime, podSandboxId, ['true']),
    ])
    expect(containers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await runtime.removePodSandbox({ podSandboxId })
  })

  test('a stop that is given up before it begins is refused, and nothing else happens', async () => {
    engine = await place.open()
    const { runtime } = engine
    const pod = await startPod(place, runtime, ['sleep', '1000'])
    const { containerId } = pod
    const given = AbortSignal.abort(new Error('given up'))
    await expect(runtime.stopContainer({ containerId, timeout: 5 }, given)).rejects.toThrow('given up')
    await expect(runtime.stopContainer({ containerId, timeout: 0 }, given)).rejects.toThrow('given up')
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
  })
  test('a sandbox without the pipe that tells of its end does not keep an engine from opening', async () => {
    engine = await place.open()
    const { podSandboxId = '' } = await engine.runtime.runPodSandbox({ config: podConfig(place) })
    await engine.close()
    rmSync(join(place.options.places.state, 'bundles', podSandboxId, 'life'))
    engine = await place.open()
    expect((await engine.runtime.podSandboxStatus({ podSandboxId })).status?.state).toBe('SANDBOX_READY')
    await engine.runtime.removePodSandbox({ podSandboxId })
  })

  test('a command that is given up while it is prepared does not go on', async () => {
    engine = await place.open()
    const { runtime } = engine
    const pod = await startPod(place, runtime, ['sleep', '1000'])
    const { containerId } = pod
    const stop = new AbortController()
    const running = runtime.execSync({ containerId, cmd: ['sleep', '777'] }, stop.signal)
    stop.abort(new Error('given up'))
    await expect(running).rejects.toThrow('given up')
    const processes = async () => Buffer.from((await runtime.execSync({ containerId, cmd: ['ps'] })).stdout ?? []).toString()
    expect(await processes()).not.toContain('sleep 777')
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
  })

  test('the end of a container whose shim was killed is seen, also where another process has the shim’s number now', async () => {
    engine = await place.open()
    const pod = await startPod(place, engine.runtime, ['sleep', '1000'])
    const { containerId } = pod
    const { info } = await engine.runtime.containerStatus({ containerId, verbose: true })
    const shimFile = join(place.options.places.state, 'bundles', containerId, 'conmon.pid')
    process.kill(Number(readFileSync(shimFile, 'utf8')), 'SIGKILL')
    writeFileSync(shimFile, String(process.pid))
    process.kill(JSON.parse(info?.info ?? '{}').pid, 'SIGKILL')
    await engine.close()
    engine = await place.open()
    await expect
      .poll(async () => {
        await findAgain()
        return (await engine.runtime.containerStatus({ containerId })).status
      })
      .toMatchObject({ state: 'CONTAINER_EXITED', exitCode: 255 })
    await engine.runtime.removePodSandbox({ podSandboxId: pod.sandboxId })

    /** Its process may have been a zombie for a moment. */
    async function findAgain(): Promise<void> {
      await engine.close()
      engine = await place.open()
    }
  })
})
