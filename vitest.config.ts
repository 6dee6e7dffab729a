import { defineConfig } from 'vitest/config'

const endToEnd = { include: ['test/e2e/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false }

// Nothing here has state that outlives a test, so files share their modules; two at once keep two cores busy.
const unit = { isolate: false, maxWorkers: 2, testTimeout: 30_000, hookTimeout: 60_000 }

/** The projects run one after the other, the fast one first; the end-to-end tests run once more with objects that cross as JSON. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...unit,
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/*.test.ts', 'test/sim/**/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...endToEnd, name: 'e2e', sequence: { groupOrder: 1 } } },
      { test: { ...endToEnd, name: 'e2e-serialised', env: { SAMPAN_SERIALISE: '1' }, sequence: { groupOrder: 2 } } },
    ],
  },
})
