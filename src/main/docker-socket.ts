import { chmod, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createDockerApi, type DockerApiOptions } from '../docker/docker-api.ts'

/** Serves the Docker Engine API on a unix socket that only its owner may use. */
export async function serveDockerApi({ socket, ...options }: DockerApiOptions & { readonly socket: string }) {
  const server = createServer({ requestTimeout: 0 }, createDockerApi(options))
  // An earlier agent that was killed left its own.
  await rm(socket, { force: true })
  const before = process.umask(0o077)
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve))
  } finally {
    process.umask(before)
  }
  await chmod(socket, 0o600)
  return {
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
