const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 }

/** Milliseconds of a duration as Go writes it, such as `1h30m` or `1.5s`; undefined for what is none. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  const [, sign, parts = ''] = /^([+-]?)((?:\d+(?:\.\d*)?(?:h|ms|m|s|us|µs|ns))+)$/.exec(text) ?? []
  if (sign === undefined) return undefined
  const ms = [...parts.matchAll(/(\d+(?:\.\d*)?)(h|ms|m|s|us|µs|ns)/g)].reduce(
    (sum, [, amount, unit = '']) => sum + Number(amount) * (unitMs[unit] ?? 0),
    0,
  )
  return sign === '-' ? -ms : ms
}
