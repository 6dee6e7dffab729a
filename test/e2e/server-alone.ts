import { type ChildProcess, execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { builtinCatalog } from '../../src/api/catalog.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemRandom } from '../../src/base/random.ts'
import { bringProgram } from '../../src/cli/kubectl.ts'
import { createAuthenticator } from '../../src/server/authentication.ts'
import { createHttpListener } from '../../src/server/http.ts'
import { createKubeletConnector } from '../../src/server/kubelet-connector.ts'
import { createAuthority, issueCertificate } from '../../src/server/pki.ts'
import { createServer, type ServerOptions } from '../../src/server/server.ts'
import { createMemoryStore } from '../../src/store/memory.ts'

/** What a program printed and how it ended. */
export interface Ran {
  readonly code: number | string
  readonly out: string
  readonly err: string
}

/** The API server without controllers and nodes, and the real kubectl on it. */
export interface ServerAlone {
  kubectl(args: readonly string[], input?: string, environment?: Record<string, string>): Promise<Ran>
  /** The path of kubectl and the environment in which it finds this server, for calls that go on. */
  readonly program: string
  readonly environment: NodeJS.ProcessEnv
  close(): Promise<void>
}

export async function startServerAlone(more: Partial<ServerOptions> = {}): Promise<ServerAlone> {
  const directory = await mkdtemp(join(tmpdir(), 'sampan-alone-'))
  const stopped = new AbortController()
  const running = new Set<ChildProcess>()
  const program = bringProgram(resolve(import.meta.dirname, '../..'), 'kubectl', () => {})
  const nowMs = Date.now()
  const authority = await createAuthority('test-ca', nowMs)
  const serving = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'], nowMs })
  const client = await issueCertificate(authority, { commonName: 'someone', organizations: ['system:masters'], nowMs })
  const authenticate = createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined })
  const connector = createKubeletConnector({ client, authority: authority.certificate })
  const options = {
    store: createMemoryStore(),
    catalog: builtinCatalog(),
    authenticate,
    serverAddress: 'x:1',
    connector,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    ...more,
  }
  const { handle } = await createServer(options, stopped.signal)
  const listener = createHttpListener({ handle, ...serving, clientAuthority: authority.certificate, log: silentLog })
  const server = `https://127.0.0.1:${await listener.listen('127.0.0.1', 0)}`
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(authority.certificate) } }],
    users: [{ name: 'test', user: { 'client-certificate-data': base64(client.certificate), 'client-key-data': base64(client.key) } }],
  }
  await writeFile(join(directory, 'config'), JSON.stringify(kubeconfig))
  const environment = { ...process.env, KUBECONFIG: join(directory, 'config'), KUBECACHEDIR: join(directory, 'cache') }
  return {
    program,
    environment,
    kubectl: (args, input = '', more = {}) =>
      new Promise((done) => {
        const env = { ...environment, ...more }
        const child = execFile(program, args, { env, timeout: 30_000 }, (error, out, err) => {
          running.delete(child)
          done({ code: error ? (error.code ?? 1) : 0, out, err })
        })
        running.add(child)
        child.stdin?.end(input)
      }),
    async close() {
      for (const child of running) child.kill()
      stopped.abort()
      await listener.close()
      connector.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
