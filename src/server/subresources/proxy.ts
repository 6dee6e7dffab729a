import type { ApiReply } from '../../api/exchange.ts'
import type { Connector, IncomingReply } from '../connector.ts'
import type { Registry } from '../registry.ts'
import { admitConnection } from './admit-connection.ts'
import type { FindTarget } from './proxy-targets.ts'
import { ask, passedBack, passedOn, relayUpgrade, wantsUpgrade } from './relay.ts'
import type { SubresourceHandler } from './subresource.ts'

/** `proxy`: the request goes on to the object's own server, which sees the path behind `proxy` and not who the caller is. */
export function proxyHandler(find: FindTarget, { registry, connector }: { registry: Registry; connector: Connector }): SubresourceHandler {
  return {
    takesRemainder: true,
    async answer(call): Promise<ApiReply> {
      const { ref, request, remainder } = call
      await admitConnection(registry, call, { path: remainder || '/' })
      const target = await find(ref)
      const path = `${remainder || '/'}${request.query === '' ? '' : `?${request.query}`}`
      const base = request.path.slice(0, request.path.length - remainder.length)
      const { method, signal } = request
      if (wantsUpgrade(request)) {
        const reply = await relayUpgrade(connector, target, { method, path, headers: {}, signal, caller: request })
        return 'type' in reply ? passReply(reply, base) : reply
      }
      const body = request.body instanceof Uint8Array && request.body.length > 0 ? { body: request.body } : {}
      const headers = { ...passedOn(request.headers), 'x-forwarded-uri': request.path }
      return passReply(await ask(connector, target, { method, path, headers, signal, ...body }), base)
    },
  }
}

/** A redirect within the proxied server stays behind the proxy. */
function passReply({ status, headers, body }: IncomingReply, base: string): ApiReply {
  const passed = passedBack(headers)
  if (passed.location?.startsWith('/') && !passed.location.startsWith('//')) passed.location = `${base}${passed.location}`
  return { status, headers: passed, body: { type: 'stream', stream: body } }
}
