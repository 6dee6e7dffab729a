import type { HealthCheck } from './health.ts'

/** What a server does before it is ready, under upstream's names of its hooks: each is a health check that fails until it is done. */
export class StartSteps {
  readonly #done = new Map<string, boolean>()

  async run<Result>(name: string, step: () => Promise<Result>): Promise<Result> {
    this.#done.set(name, false)
    const result = await step()
    this.#done.set(name, true)
    return result
  }

  checks(): readonly HealthCheck[] {
    return [...this.#done.keys()].map((name) => ({
      name: `poststarthook/${name}`,
      check: () => (this.#done.get(name) ? undefined : new Error('not finished')),
    }))
  }
}
