import { expect, test } from 'vitest'
import { protocolToken, withoutToken } from './protocol-token.ts'

const carrier = `base64url.bearer.authorization.k8s.io.${Buffer.from('secret').toString('base64url')}`

test('a WebSocket’s protocols may carry a token, which goes no further', () => {
  const protocols = `v5.channel.k8s.io, ${carrier},v4.channel.k8s.io`
  expect(protocolToken(protocols)).toBe('secret')
  expect(withoutToken(protocols)).toBe('v5.channel.k8s.io, v4.channel.k8s.io')
  expect(protocolToken('v5.channel.k8s.io')).toBeUndefined()
})
