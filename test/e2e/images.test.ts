import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { hasRegistry, htpasswd, registrySkipReason, startRegistry, testCredentials } from '../../src/oci/test-registry.ts'
import { example, fetchOnce, isRoot, startCluster, type TestCluster, test } from './cluster.ts'

/** Images: built, cached, refused, carried about, and run. */
let cluster: TestCluster
let directory: string
beforeAll(async () => {
  if (!isRoot) return
  directory = await mkdtemp(join(tmpdir(), 'sampan-images-'))
  cluster = await startCluster('images')
  await cluster.buildImages()
})
afterAll(async () => {
  await cluster?.dispose()
  if (directory) await rm(directory, { recursive: true, force: true })
})

let contexts = 0
/** A build context of these files; a name that ends in `*` is executable. */
async function contextOf(files: Readonly<Record<string, string>>): Promise<string> {
  const context = join(directory, `context-${++contexts}`)
  await mkdir(context)
  for (const [name, content] of Object.entries(files)) {
    const path = join(context, name.replace(/\*$/, ''))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
    if (name.endsWith('*')) await chmod(path, 0o755)
  }
  return context
}

const build = async (name: string, files: Readonly<Record<string, string>>, ...options: string[]) =>
  cluster.sampan('build', '-t', name, ...options, await contextOf(files))

/** What a command prints in a pod of that image. */
async function inPod(image: string, ...command: string[]): Promise<string> {
  const name = `p-${++contexts}`
  const spec = {
    restartPolicy: 'Never',
    containers: [{ name: 'main', image, imagePullPolicy: 'Never', ...(command.length > 0 && { command }) }],
  }
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }))
  await cluster.kubectl(['wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${name}`, '--timeout=30s'])
  return cluster.kubectl(['logs', name])
}

describe('build', () => {
  const files = {
    Dockerfile: `FROM busybox AS made
ARG WORD=none
WORKDIR /work
COPY . .
RUN echo "$WORD" > word && ls > names
FROM busybox
LABEL kind="two stages"
COPY --from=made --chown=12:34 /work /data
ENV GREETING="hello \${USER:-you}" PATH=/bin
USER 12
WORKDIR /data
ENTRYPOINT ["sh", "-c"]
CMD ["echo $GREETING; cat word names; id -u; stat -c '%u:%g %a' word script"]
`,
    '.dockerignore': '*.log\n!keep.log\n',
    'a.log': 'no',
    'keep.log': 'yes',
    'script*': '#!/bin/sh\n',
  }

  test('stages, arguments, variables, ignored files, owners and modes arrive in the pod', async () => {
    expect(await build('staged', files, '--build-arg', 'WORD=given')).toMatchObject({ code: 0 })
    expect(await inPod('staged')).toBe('hello you\ngiven\nDockerfile\nkeep.log\nnames\nscript\nword\n12\n12:34 644\n12:34 755\n')
  })

  test('the same again is the same image, at once, from the cache; what has changed is made', async () => {
    const idOf = ({ out }: { out: string }) => /Successfully built (\w+)/.exec(out)?.[1]
    const first = await build('again', files)
    const second = await build('again', files)
    expect(second.out.match(/Using cache/g)).toHaveLength(5)
    expect(idOf(second)).toBe(idOf(first))
    const third = await build('again', { ...files, 'keep.log': 'changed' })
    expect(third.out.match(/Using cache/g)).toHaveLength(1)
    expect(idOf(third)).not.toBe(idOf(first))
  })

  test('ADD unpacks an archive of the context, COPY does not; links stay inside', async () => {
    const context = await contextOf({
      Dockerfile: 'FROM busybox\nADD files.tar /added/\nCOPY files.tar /copied/\nCOPY link /linked/\n',
      'in/one': '1\n',
    })
    execFileSync('tar', ['-cf', join(context, 'files.tar'), '-C', join(context, 'in'), 'one'])
    await symlink('../../../../etc/hostname', join(context, 'link'))
    const refused = await cluster.sampan('build', '-t', 'added', context)
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('leads outside') })
    await rm(join(context, 'link'))
    await symlink('in/one', join(context, 'link'))
    expect(await cluster.sampan('build', '-t', 'added', context)).toMatchObject({ code: 0 })
    expect(await inPod('added', 'sh', '-c', 'cat /added/one; ls /copied; cat /linked/*')).toBe('1\nfiles.tar\n1\n')
  })

  test('a layer takes away what a command removed', async () => {
    expect(await build('less', { Dockerfile: 'FROM web:1\nRUN rm -r /www/index.html && mkdir -m 700 /made\n' })).toMatchObject({ code: 0 })
    expect(await inPod('less', 'sh', '-c', 'ls /www; stat -c %a /made')).toBe('healthz\nversion\n700\n')
  })

  test.each([
    ['FROM busybox\nRUN echo told >&2; exit 3\n', /told[\s\S]*returned a non-zero code: 3/],
    ['FROM busybox\nCOPY nothing /\n', /file not found in build context or excluded by .dockerignore: stat nothing/],
    ['FROM busybox\nCOPPY a b\n', /dockerfile parse error on line 2: unknown instruction: COPPY/],
    ['FROM busybox\nADD https://example.com/x /\n', /line 2: ADD of https:\/\/example.com\/x is not supported/],
    ['RUN true\n', /no build stage in current context/],
    ['FROM busybox\nRUN ["/does/not/exist"]\n', /returned a non-zero code|not found/],
    ['FROM 127.0.0.1:9/nothing:1\n', /cannot bring the base image 127\.0\.0\.1:9\/nothing:1/],
  ])('%j is refused', async (dockerfile, words) => {
    const { code, out, err } = await build('refused', { Dockerfile: dockerfile })
    expect(code).toBe(1)
    expect(out + err).toMatch(words)
    expect((await cluster.sampan('image', 'list')).out).not.toContain('refused')
  })
})

describe('images', () => {
  test('save, remove and load bring the same image; another tool reads it', async () => {
    const file = join(directory, 'web.tar')
    expect(await cluster.sampan('image', 'save', '-o', file, 'web:1')).toMatchObject({ code: 0 })
    const inspected = JSON.parse(execFileSync('skopeo', ['inspect', `docker-archive:${file}`], { encoding: 'utf8' })) as {
      Layers: string[]
    }
    expect(inspected.Layers).toHaveLength(5)
    await cluster.sampan('image', 'tag', 'web:1', 'other/web:tagged')
    expect((await cluster.sampan('image', 'remove', 'other/web:tagged')).out).toContain('Untagged')
    expect((await cluster.sampan('image', 'load', file)).out).toBe('Loaded image: web:1\n')
    expect(await cluster.sampan('image', 'remove', 'nothing')).toMatchObject({
      code: 1,
      err: expect.stringContaining('No such image: nothing'),
    })
  })

  test('an archive that is none is refused', async () => {
    const file = join(directory, 'none.tar')
    await writeFile(file, 'not an archive')
    expect((await cluster.sampan('image', 'load', file)).code).toBe(1)
  })

  const withDocker = ['/usr/bin/docker', '/usr/local/bin/docker'].some((path) => existsSync(path)) ? test : test.skip
  withDocker('the real docker command lists, builds and loads', async () => {
    const docker = (...args: string[]) =>
      execFileSync('docker', ['-H', `unix:///run/sampan/${cluster.name}/docker.sock`, ...args], {
        encoding: 'utf8',
        env: { ...process.env, DOCKER_BUILDKIT: '0' },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    expect(docker('images', '--format', '{{.Repository}}:{{.Tag}}').split('\n')).toContain('web:1')
    const context = await contextOf({ Dockerfile: 'FROM busybox\nRUN echo made > /made\n' })
    expect(docker('build', '-t', 'by-docker', context)).toContain('Successfully tagged by-docker')
    expect(await inPod('by-docker', 'cat', '/made')).toBe('made\n')
    expect(docker('load', '-i', join(directory, 'web.tar'))).toContain('Loaded image: web:1')
  })
})

test('the guestbook: pages find the backend by its name, and what is written stays', async () => {
  await cluster.kubectl(['apply', '-f', example('guestbook.yaml')])
  await cluster.kubectl(['rollout', 'status', 'deployment/guestbook', '--timeout=60s'])
  await cluster.kubectl(['rollout', 'status', 'deployment/guestbook-backend', '--timeout=60s'])
  const page = `http://${cluster.facts.nodeAddress}:30081/cgi-bin/page`
  await expect
    .poll(() => fetchOnce(`${page}?message=good+morning+%3Cb%3E`).then(({ text }) => text), { timeout: 15_000 })
    .toContain('good morning &lt;b>')
  expect((await fetchOnce(page)).text).toContain('good morning')
})

test('the busybox that pods get is the one that was copied', async () => {
  const copy = join(directory, 'busybox-copy')
  await copyFile('/bin/busybox', copy)
  const sum = execFileSync('sha256sum', [copy], { encoding: 'utf8' }).split(' ')[0] ?? 'none'
  expect(await inPod('busybox', 'sha256sum', '/bin/busybox')).toContain(sum)
})

describe.skipIf(!hasRegistry)(`registries${registrySkipReason}`, () => {
  test('push and pull with the logins of docker, and not without', async () => {
    const registry = await startRegistry({ htpasswd })
    const logins = join(directory, 'logins')
    try {
      const name = `${registry.host}/team/busybox:1`
      await cluster.sampan('image', 'tag', 'busybox', name)
      process.env.DOCKER_CONFIG = logins
      expect(await cluster.sampan('image', 'push', name)).toMatchObject({ code: 1, err: expect.stringContaining('401') })
      await mkdir(logins)
      const auth = Buffer.from(`${testCredentials.username}:${testCredentials.password}`).toString('base64')
      await writeFile(join(logins, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }))
      expect(await cluster.sampan('image', 'push', name)).toMatchObject({ code: 0, out: expect.stringMatching(/digest: sha256:/) })
      await cluster.sampan('image', 'remove', name)
      expect(await cluster.sampan('image', 'pull', name)).toMatchObject({ code: 0 })
      expect((await cluster.sampan('image', 'list')).out).toContain(name)
      // The same kept by a program that docker would ask.
      const helper = join(directory, 'bin/docker-credential-kept')
      await mkdir(dirname(helper))
      const answer = JSON.stringify({ ServerURL: registry.host, Username: testCredentials.username, Secret: testCredentials.password })
      await writeFile(helper, `#!/bin/sh\n[ "$(cat)" = ${registry.host} ] && echo '${answer}'\n`)
      await chmod(helper, 0o755)
      await writeFile(join(logins, 'config.json'), JSON.stringify({ credsStore: 'kept' }))
      const path = process.env.PATH
      process.env.PATH = `${dirname(helper)}:${path}`
      try {
        expect(await cluster.sampan('image', 'pull', name)).toMatchObject({ code: 0 })
      } finally {
        process.env.PATH = path
      }
    } finally {
      delete process.env.DOCKER_CONFIG
      registry.stop()
    }
  })

  test('pods get images from the mirror that the cluster was told of', async () => {
    const registry = await startRegistry()
    try {
      await cluster.sampan('image', 'tag', 'busybox', `${registry.host}/mirrored/tool:1`)
      expect(await cluster.sampan('image', 'push', `${registry.host}/mirrored/tool:1`)).toMatchObject({ code: 0 })
      const file = join(directory, 'registries.yaml')
      await writeFile(file, 'mirrors: { docker.io: [ftp://nowhere] }')
      expect(await cluster.sampan('up', '--registries', file)).toMatchObject({ code: 1, err: expect.stringContaining('http or https') })
      await writeFile(file, `mirrors: { docker.io: ["http://${registry.host}"] }`)
      expect(await cluster.sampan('up', '--registries', file)).toMatchObject({ code: 1, err: expect.stringContaining('down') })
      await cluster.sampan('down')
      expect(await cluster.sampan('up', '--registries', file)).toMatchObject({ code: 0 })
      await cluster.kubectl(['run', 'mirrored', '--image=mirrored/tool:1', '--restart=Never', '--', 'sleep', '1000'])
      await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/mirrored', '--timeout=30s'])
    } finally {
      registry.stop()
    }
  })
})
