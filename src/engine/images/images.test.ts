import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { mount, unmount } from '../../base/mount.ts'
import { systemRandom } from '../../base/random.ts'
import { hasRegistry, htpasswd, registrySkipReason, startRegistry, type TestRegistry, testCredentials } from '../../oci/test-registry.ts'
import { type Images, openImages } from './images.ts'
import { createLayerWorkers } from './layer-workers.ts'
import { dockerArchive, testArchive } from './test-archive.ts'

const run = promisify(execFile)
const root = process.getuid?.() === 0
describe.skipIf(!root)(`as root${root ? '' : ' (skipped: needs root to unpack layers)'}`, () => {
  let directory = ''
  let images: Images
  const workers = createLayerWorkers({ threads: 2, clock: systemClock })
  afterAll(() => workers.close())
  const open = () =>
    openImages({
      directory: join(directory, 'images'),
      infraBinary: '/usr/bin/catatonit',
      platform: { os: 'linux', architecture: 'amd64' },
      workers,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    })
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sampan-images-'))
    images = await open()
  })
  afterEach(async () => {
    await images.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const load = (archive: Buffer) => images.load(Readable.from([archive]))
  const reopen = async () => {
    await images.close()
    images = await open()
  }
  const base = testArchive([
    { name: 'bin/', type: 'directory' },
    { name: 'bin/tool', body: 'tool', mode: 0o755 },
    { name: 'etc/passwd', body: 'x' },
  ])
  const upper = testArchive([{ name: 'bin/tool', body: 'newer' }, { name: 'etc/.wh.passwd' }])
  const layerDirectories = () => readdirSync(join(directory, 'images/layers'))
  const blobs = () => readdirSync(join(directory, 'images/blobs/sha256'))

  test('a loaded image is listed, stays, and its layers are mounted to what it says', async () => {
    const [loaded] = await load(dockerArchive('web:1', [base, upper], { Cmd: ['/bin/tool'], Env: ['A=b'] }))
    expect(loaded?.names).toEqual(['docker.io/library/web:1'])
    await reopen()
    const image = await images.resolve('web:1')
    expect(image).toEqual({ id: loaded?.id, config: { Cmd: ['/bin/tool'], Env: ['A=b'] } })
    for (const name of ['docker.io/library/web:1', loaded?.id ?? '', loaded?.id.slice(7, 19) ?? ''])
      expect(await images.resolve(name)).toEqual(image)
    const layers = await images.lease(image?.id ?? '', 'container')
    const merged = join(directory, 'merged')
    mkdirSync(merged)
    await mount('overlay', merged, 'overlay', 1, `lowerdir=${layers.join(':')}`)
    try {
      expect(readFileSync(join(merged, 'bin/tool'), 'utf8')).toBe('newer')
      expect(existsSync(join(merged, 'etc/passwd'))).toBe(false)
    } finally {
      await unmount(merged)
    }
  })

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('an archive compressed with %s, of layers that are compressed too, is loaded', async (_, compress) => {
    const archive = dockerArchive('web:1', [base])
    const squeezed = compress(base)
    const name = [...archive.toString('latin1').matchAll(/[0-9a-f]{64}\/layer.tar/g)][0]?.[0] ?? ''
    const configName = [...archive.toString('latin1').matchAll(/[0-9a-f]{64}\.json/g)][0]?.[0] ?? ''
    const config = archive.subarray(512, 512 + archive.subarray(512).indexOf(0))
    const whole = testArchive([
      { name: configName, body: config },
      { name, body: squeezed },
      { name: 'manifest.json', body: JSON.stringify([{ Config: configName, RepoTags: ['web:1'], Layers: [name] }]) },
    ])
    await load(compress(whole))
    expect(readFileSync(join((await images.lease((await images.resolve('web:1'))?.id ?? '', 'c'))[0] ?? '', 'bin/tool'), 'utf8')).toBe(
      'tool',
    )
  })

  test('images that share layers share their directories, and what nobody has goes', async () => {
    await load(dockerArchive('one:1', [base, upper]))
    await load(dockerArchive('two:1', [base]))
    expect(layerDirectories()).toHaveLength(2)
    expect(await images.remove('one:1')).toMatchObject({ untagged: ['docker.io/library/one:1'] })
    expect(layerDirectories()).toHaveLength(1)
    // Layer, configuration and manifest of the other.
    expect(blobs()).toHaveLength(3)
    await images
      .remove('two')
      .then(() => expect.fail('two:latest is no image'))
      .catch((error: Error) => expect(error.message).toBe('No such image: two'))
    await images.remove('two:1')
    expect(layerDirectories()).toHaveLength(0)
    expect(blobs()).toHaveLength(0)
  })

  test('leased layers stay without their image, also over a crash, until nobody has the lease', async () => {
    const [loaded] = await load(dockerArchive('one:1', [base]))
    await images.lease(loaded?.id ?? '', 'container/1')
    await expect(images.remove('one:1')).rejects.toThrow('conflict: unable to remove repository reference "one:1" (must force)')
    await images.service.removeImage({ image: { image: 'one:1' } })
    expect(images.list()).toEqual([])
    await reopen()
    expect(layerDirectories()).toHaveLength(1)
    await images.retainLeases([])
    expect(layerDirectories()).toHaveLength(0)
    await images.release('container/1')
  })

  test('what a crash left is taken away, and a damaged image is forgotten', async () => {
    const [one] = await load(dockerArchive('one:1', [base]))
    await load(dockerArchive('two:1', [upper]))
    await images.close()
    const store = join(directory, 'images')
    mkdirSync(join(store, 'layers/99/half'), { recursive: true })
    writeFileSync(join(store, 'ingest/half'), 'x')
    writeFileSync(join(store, 'index.json.new'), '{')
    writeFileSync(join(store, `blobs/sha256/${'0'.repeat(64)}`), 'nobody has it')
    truncateSync(join(store, 'blobs/sha256', one?.id.slice(7) ?? ''), 5)
    images = await open()
    expect(images.list().map(({ tags }) => tags)).toEqual([['docker.io/library/two:1']])
    expect(layerDirectories()).toHaveLength(1)
    expect(readdirSync(join(store, 'ingest'))).toEqual([])
    expect(blobs()).toHaveLength(3)
  })

  test('layers that the disk may not have are unpacked again after a restart of the machine', async () => {
    const [one] = await load(dockerArchive('one:1', [base]))
    await images.close()
    const file = join(directory, 'images/index.json')
    const index = JSON.parse(readFileSync(file, 'utf8'))
    for (const layer of Object.values<{ unsyncedBoot?: string }>(index.layers)) layer.unsyncedBoot = 'an earlier one'
    writeFileSync(file, JSON.stringify(index))
    const [before] = layerDirectories()
    rmSync(join(directory, 'images/layers', before ?? '', 'bin/tool'))
    images = await open()
    expect(layerDirectories()).toEqual([])
    const [layer] = await images.lease(one?.id ?? '', 'c')
    expect(readFileSync(join(layer ?? '', 'bin/tool'), 'utf8')).toBe('tool')
  })

  test.each([
    [
      'a layer that is not what its configuration says',
      () =>
        dockerArchive('one:1', [testArchive([{ name: 'f', body: 'the content' }])])
          .toString('latin1')
          .replace('the content', 'another one'),
      'wrong diff id',
    ],
    [
      'a layer with a name that leads outside',
      () => dockerArchive('one:1', [testArchive([{ name: '../evil', body: 'x' }])]).toString('latin1'),
      '".."',
    ],
    [
      'a name that promises a digest',
      () => dockerArchive(`one@sha256:${'0'.repeat(64)}`, [base]).toString('latin1'),
      'an archive cannot name a digest',
    ],
    ['a name that no path can have', () => testArchive([{ name: 'n'.repeat(5000) }]).toString('latin1'), 'a name of 5000 characters'],
    ['no image', () => testArchive([{ name: 'f', body: 'x' }]).toString('latin1'), 'neither manifest.json nor index.json'],
    ['a cut archive', () => dockerArchive('one:1', [base]).toString('latin1').slice(0, 2000), 'ends in the middle'],
  ])('%s is refused and nothing stays', async (_, archive, message) => {
    await expect(load(Buffer.from(archive(), 'latin1'))).rejects.toThrow(message)
    expect(images.list()).toEqual([])
    expect(layerDirectories()).toEqual([])
    expect(blobs()).toEqual([])
    expect(readdirSync(join(directory, 'images/ingest'))).toEqual([])
    expect(existsSync(join(directory, 'images/evil'))).toBe(false)
  })

  test('CRI: status, list, tags, and removal with all names', async () => {
    const [loaded] = await load(dockerArchive('one:1', [base], { User: '12:3' }))
    await images.tag('one:1', 'other/name')
    const { image, info } = await images.service.imageStatus({ image: { image: 'one:1' }, verbose: true })
    expect(image).toMatchObject({
      id: loaded?.id,
      repoTags: ['docker.io/library/one:1', 'docker.io/other/name:latest'],
      uid: { value: 12 },
    })
    expect(JSON.parse(info?.info ?? '{}')).toMatchObject({ imageSpec: { config: { User: '12:3' } } })
    expect(await images.service.imageStatus({ image: { image: 'none' } })).toEqual({})
    const usage = (await images.service.imageFsInfo({})).imageFilesystems?.[0]
    expect(usage?.usedBytes?.value).toBeGreaterThan(base.length)
    await images.service.removeImage({ image: { image: 'one:1' } })
    expect(await images.service.listImages({})).toEqual({ images: [] })
    await images.service.removeImage({ image: { image: 'one:1' } })
  })

  test('a saved archive is loaded to the same image', async () => {
    const [loaded] = await load(dockerArchive('one:1', [base, upper]))
    const saved = await buffer(images.save(['one:1']))
    await images.remove('one:1')
    expect(await load(saved)).toEqual([{ id: loaded?.id, names: ['docker.io/library/one:1'] }])
    expect(() => images.save(['none:1'])).toThrow('No such image: none:1')
  })

  test('pods that start at once get one root directory of the infra container', async () => {
    const roots = await Promise.all(Array.from({ length: 8 }, () => images.infraRootfs()))
    expect(new Set(roots).size).toBe(1)
    expect(readdirSync(roots[0] ?? '')).toContain('catatonit')
    expect(readdirSync(join(directory, 'images')).filter((name) => name.startsWith('infra'))).toEqual(['infra'])
  })

  const hasSkopeo = existsSync('/usr/bin/skopeo')
  test.skipIf(!hasSkopeo)(`skopeo reads what is saved and writes what is loaded${hasSkopeo ? '' : ' (skipped: no skopeo)'}`, async () => {
    const [loaded] = await load(dockerArchive('one:1', [base, upper]))
    const saved = join(directory, 'saved.tar')
    writeFileSync(saved, await buffer(images.save(['one:1'])))
    const copy = (to: string) => run('skopeo', ['--insecure-policy', 'copy', `docker-archive:${saved}`, to])
    await copy(`oci-archive:${directory}/oci.tar:one:2`)
    await copy(`docker-archive:${directory}/docker.tar:one:3`)
    const [two] = await load(readFileSync(join(directory, 'oci.tar')))
    const [three] = await load(readFileSync(join(directory, 'docker.tar')))
    expect([two, three]).toMatchObject([{ names: ['docker.io/library/one:2'] }, { id: loaded?.id, names: ['docker.io/library/one:3'] }])
    expect(layerDirectories()).toHaveLength(2)
  })

  describe.skipIf(!hasRegistry)(`with a registry${registrySkipReason}`, () => {
    let registry: TestRegistry
    beforeAll(async () => {
      registry = await startRegistry({ htpasswd })
    })
    afterAll(() => registry.stop())

    test('what is pushed is pulled again, and refused without credentials', async () => {
      const [loaded] = await load(dockerArchive('one:1', [base, upper, base]))
      const name = `${registry.host}/team/one:1`
      await images.tag('one:1', name)
      const digest = await images.push(name, { credentials: testCredentials })
      await images.service.removeImage({ image: { image: name } })
      expect(images.list()).toEqual([])
      await expect(images.service.pullImage({ image: { image: name } })).rejects.toMatchObject({
        message: expect.stringContaining(
          `failed to pull and unpack image "${name}": failed to resolve reference "${name}": pull access denied`,
        ),
      })
      const auth = { auth: Buffer.from('tester:secret').toString('base64') }
      expect(await images.service.pullImage({ image: { image: name }, auth })).toEqual({ imageRef: loaded?.id })
      const [image] = images.list()
      expect(image).toMatchObject({ id: loaded?.id, tags: [name], digests: [`${registry.host}/team/one@${digest}`] })
      expect(await images.resolve(`${registry.host}/team/one@${digest}`)).toBeDefined()
      await expect(images.service.pullImage({ image: { image: `${registry.host}/team/none:9` }, auth })).rejects.toMatchObject({
        code: 'NOT_FOUND',
        message: `failed to pull and unpack image "${registry.host}/team/none:9": failed to resolve reference "${registry.host}/team/none:9": ${registry.host}/team/none:9: not found`,
      })
    })

    test('of a list of manifests the one for this platform is pulled', async () => {
      await load(dockerArchive('one:1', [base]))
      const name = `${registry.host}/team/many`
      await images.tag('one:1', `${name}:amd64`)
      const digest = await images.push(`${name}:amd64`, { credentials: testCredentials })
      const size = statSync(join(directory, 'images/blobs/sha256', digest.slice(7))).size
      const mediaType = 'application/vnd.oci.image.manifest.v1+json'
      const { createRegistryClient } = await import('../../oci/registry-client.ts')
      const { parseReference } = await import('../../oci/reference.ts')
      const index = {
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [{ mediaType, digest, size, platform: { os: 'linux', architecture: 'amd64' } }],
      }
      await createRegistryClient({}, testCredentials).pushManifest(
        parseReference(`${name}:all`),
        Buffer.from(JSON.stringify(index)),
        index.mediaType,
      )
      const [image] = images.list()
      await images.service.removeImage({ image: { image: image?.id ?? '' } })
      expect(await images.pull(`${name}:all`, { credentials: testCredentials })).toMatchObject({ id: image?.id, tags: [`${name}:all`] })
    })
  })
})
