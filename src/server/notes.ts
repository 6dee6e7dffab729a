import type { UserInfo } from '../api/exchange.ts'

/** What is said beside a reply: warnings for the caller, annotations for the audit log. Most requests have neither. */
export class Notes {
  #warnings: string[] | undefined
  #annotations: Map<string, string> | undefined
  #impersonated: UserInfo | undefined

  /** One more `Warning` header; what is said again is said once. */
  warn(text: string): void {
    this.#warnings ??= []
    if (!this.#warnings.includes(text)) this.#warnings.push(text)
  }

  /** The first value of a key stays, as upstream has it. */
  annotate(key: string, value: string): void {
    this.#annotations ??= new Map()
    if (!this.#annotations.has(key)) this.#annotations.set(key, value)
  }

  /** In whose name it is done, when that is not who sent it. */
  impersonate(user: UserInfo): void {
    this.#impersonated = user
  }

  get impersonated(): UserInfo | undefined {
    return this.#impersonated
  }

  get warnings(): readonly string[] {
    return this.#warnings ?? []
  }

  get annotations(): ReadonlyMap<string, string> {
    return this.#annotations ?? new Map()
  }
}
