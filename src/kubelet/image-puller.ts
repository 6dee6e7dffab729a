import type { Container, Pod, Secret } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import { isNotFound } from '../cri/cri-error.ts'
import type { AuthConfig, Image, ImageService } from '../cri/types.ts'
import type { ObjectSource } from './object-source.ts'
import { credentialsFor } from './registry-credentials.ts'
import { StartProblem } from './start-problem.ts'

export interface ImagePuller {
  /** Brings a container's image by its pull policy; what to call it afterwards. Fails with StartProblem. */
  ensure(pod: Pod, container: Container, tell: TellImage, signal: AbortSignal): Promise<string>
  status(image: string): Promise<Image | undefined>
}

export type TellImage = (type: 'Normal' | 'Warning', reason: string, message: string) => void

/** The grammar of references: [HOST[:PORT]/]PATH[:TAG][@DIGEST]. */
const wellFormed =
  /^(?:(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*:[0-9A-Fa-f]{32,})?$/
const maxNameLength = 512

export function imagePuller({ images, objects, clock }: { images: ImageService; objects: ObjectSource; clock: Clock }): ImagePuller {
  /** Pulls that are under way: pods that want the same image at once share one. */
  const pulls = new Map<string, Promise<string>>()

  return { ensure, status }

  async function ensure(pod: Pod, container: Container, tell: TellImage, signal: AbortSignal): Promise<string> {
    const { image: name = '', imagePullPolicy = 'IfNotPresent' } = container
    if (name.length > maxNameLength || !wellFormed.test(name)) {
      const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`
      tell('Warning', 'InspectFailed', message)
      throw new StartProblem('InvalidImageName', message)
    }
    const present = imagePullPolicy === 'Always' ? undefined : await inspected(name, tell)
    if (present) {
      tell('Normal', 'Pulled', `Container image "${name}" already present on machine and can be accessed by the pod`)
      return present.id ?? name
    }
    if (imagePullPolicy === 'Never') {
      const message = `Container image "${name}" is not present with pull policy of Never`
      tell('Warning', 'ErrImageNeverPull', message)
      throw new StartProblem('ErrImageNeverPull', message)
    }
    return pulled(pod, name, tell, signal)
  }

  async function inspected(name: string, tell: TellImage): Promise<Image | undefined> {
    try {
      return await status(name)
    } catch (error) {
      const message = `Failed to inspect image "${name}": ${error instanceof Error ? error.message : String(error)}`
      tell('Warning', 'InspectFailed', message)
      throw new StartProblem('ImageInspectError', message, { cause: error })
    }
  }

  async function pulled(pod: Pod, name: string, tell: TellImage, signal: AbortSignal): Promise<string> {
    // A pod that has ended since gave its secrets back: they are not asked for again.
    signal.throwIfAborted()
    tell('Normal', 'Pulling', `Pulling image "${name}"`)
    const beganMs = clock.now()
    try {
      const ref = await unlessAborted(pull(name, await credentials(pod, name)), signal)
      const size = (await status(ref))?.size ?? 0
      signal.throwIfAborted()
      const took = durationText(clock.now() - beganMs)
      tell('Normal', 'Pulled', `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${size} bytes.`)
      return ref
    } catch (error) {
      signal.throwIfAborted()
      const message = error instanceof Error ? error.message : String(error)
      tell('Warning', 'Failed', `Failed to pull image "${name}": ${message}`)
      tell('Warning', 'Failed', 'Error: ErrImagePull')
      throw new StartProblem('ErrImagePull', message, { cause: error })
    }
  }

  async function pull(name: string, auths: readonly AuthConfig[]): Promise<string> {
    const key = JSON.stringify([name, auths])
    const running = pulls.get(key)
    if (running) return running
    const started = pullWithAny(name, auths).finally(() => pulls.delete(key))
    pulls.set(key, started)
    return started
  }

  /** Every credential that fits is tried; the last one's error is told. */
  async function pullWithAny(name: string, auths: readonly AuthConfig[]): Promise<string> {
    let last: unknown
    for (const auth of auths.length > 0 ? auths : [undefined]) {
      try {
        const { imageRef } = await images.pullImage({ image: { image: name, userSpecifiedImage: name }, ...(auth && { auth }) })
        return imageRef || name
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  async function credentials({ metadata, spec }: Pod, name: string): Promise<readonly AuthConfig[]> {
    const references = spec.imagePullSecrets ?? []
    const found = await Promise.all(
      references.map((reference) => objects.secret(metadata.uid ?? '', metadata.namespace ?? '', reference.name ?? '')),
    )
    return credentialsFor(
      name,
      found.filter((secret): secret is Secret => secret !== undefined),
    )
  }

  async function status(name: string): Promise<Image | undefined> {
    try {
      return (await images.imageStatus({ image: { image: name } })).image
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
}

/** A pull goes on for others who want the image, and for the next time; who asked need not wait for it. */
function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(3)}s`
}
