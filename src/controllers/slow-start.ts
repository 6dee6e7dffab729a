/**
 * Runs `count` calls in batches of 1, 2, 4, …: a whole batch must succeed before the next, twice as large, begins. So a
 * thousand creates that a quota forbids cost one refused call and not a thousand.
 *
 * Resolves with how many succeeded and the first error.
 */
export async function slowStart(count: number, call: (index: number) => Promise<void>): Promise<{ done: number; error?: unknown }> {
  let begun = 0
  let done = 0
  for (let size = 1; begun < count; size *= 2) {
    const batch = Array.from({ length: Math.min(size, count - begun) }, (_, offset) => call(begun + offset))
    begun += batch.length
    const results = await Promise.allSettled(batch)
    done += results.filter(({ status }) => status === 'fulfilled').length
    const failed = results.find((result): result is PromiseRejectedResult => result.status === 'rejected')
    if (failed) return { done, error: failed.reason }
  }
  return { done }
}
