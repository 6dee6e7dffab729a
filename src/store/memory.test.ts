import { createMemoryStore } from './memory.ts'
import { storeConformance } from './store-conformance.ts'

storeConformance('memory', async () => {
  const store = createMemoryStore()
  return { store, dispose: () => store.close() }
})
