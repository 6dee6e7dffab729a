import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { systemRandom } from '../../base/random.ts'
import { openContentStore } from './content-store.ts'
import { openImageIndex } from './image-index.ts'
import { createLayerWorkers } from './layer-workers.ts'
import { openLayers } from './layers.ts'
import { testArchive } from './test-archive.ts'

const root = process.getuid?.() === 0
test.skipIf(!root)(`layers that wait for each other never wait for a thread${root ? '' : ' (skipped: needs root)'}`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sampan-layers-'))
  const workers = createLayerWorkers({ threads: 1, clock: systemClock })
  onTestFinished(async () => {
    await workers.close()
    rmSync(directory, { recursive: true })
  })
  mkdirSync(join(directory, 'layers'))
  const content = await openContentStore({ directory, workers, random: systemRandom })
  const index = await openImageIndex(directory)
  const layers = await openLayers({ directory: join(directory, 'layers'), content, index, workers, log: silentLog })
  for (let round = 0; round < 10; round++) {
    // Each but the first has a file in a directory of which only the first says what it is like.
    const archives = Array.from({ length: 8 }, (_, layer) =>
      testArchive([...(layer === 0 ? [{ name: 'd/', type: 'directory' as const, mode: 0o711 }] : []), { name: `d/${round}-${layer}` }]),
    )
    const blobs = await Promise.all(archives.map((archive) => content.ingest(Readable.from([archive]))))
    const [top = ''] = await layers.unpack(
      blobs,
      blobs.map(({ digest }) => digest),
    )
    expect(readFileSync(join(top, `d/${round}-7`), 'utf8')).toBe('')
  }
  await layers.close()
})
