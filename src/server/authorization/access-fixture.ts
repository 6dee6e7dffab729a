import type { UserInfo } from '../../api/exchange.ts'
import { type Loose, type Sent, serverWith } from '../admission/admission-fixture.ts'
import { basicAdmission } from '../admission/standard-admission.ts'
import type { ServerOptions } from '../server.ts'

export type { Loose, Sent }

export interface AccessFixture {
  /** One request in somebody's name; the administrator's when nobody is named. */
  send(method: string, url: string, body?: object, user?: UserInfo, contentType?: string): Promise<Sent>
  /** POSTs of what a test begins with; throws what is refused. */
  make(collection: string, ...objects: object[]): Promise<void>
}

export const admin: UserInfo = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }
export const person = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] })
export const nodeUser = (name: string): UserInfo => person(`system:node:${name}`, 'system:nodes')

/** An API server on the memory store, for tests of who may do what. */
export async function serverForAccess({ admission = basicAdmission, ...more }: Partial<ServerOptions> = {}): Promise<AccessFixture> {
  const { send: sendAs } = await serverWith(admission, more)
  const send: AccessFixture['send'] = (method, url, body, user = admin, contentType = 'application/json') =>
    sendAs(method, url, body, user, { 'content-type': contentType })
  return {
    send,
    async make(collection, ...objects) {
      for (const object of objects) {
        const { status, object: answer } = await send('POST', collection, object)
        if (status !== 201) throw new Error(`${collection}: ${answer.message}`)
      }
    },
  }
}
