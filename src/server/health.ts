import type { ApiReply } from '../api/exchange.ts'
import { textReply } from './replies.ts'

/** One thing that must be well; answers what is wrong, or nothing. */
export interface HealthCheck {
  readonly name: string
  readonly check: () => Error | undefined
}

const ping: HealthCheck = { name: 'ping', check: () => undefined }

/**
 * `/livez`, `/readyz`, the older `/healthz`, and each check below them by its name. `verbose` tells of every check, and so
 * does failure, though never why: that stands in the log.
 */
export function healthHandler({
  alive,
  ready,
  onFailure,
}: {
  alive: readonly HealthCheck[]
  /** What must be well beside that before requests are sent here. */
  ready: readonly HealthCheck[]
  onFailure: (endpoint: string, name: string, error: Error) => void
}): (path: string, query: string) => ApiReply | undefined {
  const endpoints = new Map<string, readonly HealthCheck[]>([
    ['livez', [ping, ...alive]],
    ['healthz', [ping, ...alive]],
    ['readyz', [ping, ...alive, ...ready]],
  ])
  return (path, query) => {
    const [, endpoint = '', ...rest] = path.split('/')
    const checks = endpoints.get(endpoint)
    if (!checks) return undefined
    const name = rest.join('/')
    if (name === '') return answer(endpoint, checks, new URLSearchParams(query))
    const only = checks.filter((check) => check.name === name)
    return only.length === 0 ? textReply(404, '404 page not found\n') : answer(`${endpoint}/${name}`, only, new URLSearchParams(query))
  }

  function answer(endpoint: string, checks: readonly HealthCheck[], parameters: URLSearchParams): ApiReply {
    const excluded = new Set(parameters.getAll('exclude'))
    let isWell = true
    const lines = checks.map(({ name, check }) => {
      if (excluded.has(name)) return `[+]${name} excluded: ok\n`
      const error = check()
      if (!error) return `[+]${name} ok\n`
      isWell = false
      onFailure(endpoint, name, error)
      return `[-]${name} failed: reason withheld\n`
    })
    const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name))
    if (unknown.length > 0)
      lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(',')}\n`)
    if (!isWell) return textReply(500, `${lines.join('')}${endpoint} check failed\n`)
    return textReply(200, parameters.has('verbose') ? `${lines.join('')}${endpoint} check passed\n` : 'ok')
  }
}

/** Paths that anybody may ask for. */
export const isHealthPath = (path: string): boolean => /^\/(?:livez|readyz|healthz)(?:\/|$)/.test(path)
