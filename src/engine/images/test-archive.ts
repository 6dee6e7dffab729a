import { digestOf } from '../../oci/digest.ts'
import { type TarHeader, tarEnd, tarHeader, tarPadding } from '../../oci/tar-writer.ts'

/** Archives and images made in memory, for tests. */
export type TestEntry = Partial<TarHeader> & { readonly name: string; readonly body?: string | Buffer }

export function testArchive(entries: readonly TestEntry[]): Buffer {
  return Buffer.concat([
    ...entries.flatMap(({ body = '', ...header }) => {
      const content = Buffer.from(body)
      const isFile = header.type === undefined || header.type === 'file'
      return [
        tarHeader({ type: 'file', mode: header.type === 'directory' ? 0o755 : 0o644, ...(isFile && { size: content.length }), ...header }),
        ...(isFile ? [content, tarPadding(content.length)] : []),
      ]
    }),
    tarEnd(),
  ])
}

/** A docker-archive in the old format: the layers first, manifest.json last. */
export function dockerArchive(name: string, layers: readonly Buffer[], config: object = {}): Buffer {
  const hex = (bytes: Buffer) => digestOf(bytes).slice('sha256:'.length)
  const configuration = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '2026-01-01T00:00:00Z',
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
      history: layers.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: 'a test' })),
    }),
  )
  const manifest = JSON.stringify([
    { Config: `${hex(configuration)}.json`, RepoTags: [name], Layers: layers.map((layer) => `${hex(layer)}/layer.tar`) },
  ])
  return testArchive([
    { name: `${hex(configuration)}.json`, body: configuration },
    ...layers.map((layer) => ({ name: `${hex(layer)}/layer.tar`, body: layer })),
    { name: 'manifest.json', body: manifest },
  ])
}
