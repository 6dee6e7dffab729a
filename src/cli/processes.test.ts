import { expect, test } from 'vitest'
import { lastError } from './processes.ts'

test('the last error of a log', () => {
  const uncaught = `node:net:1940
    const ex = new UVExceptionWithHostPort(err, 'listen', address, port);
               ^

Error: listen EADDRINUSE: address already in use 127.0.0.1:6443
    at Server.setupListenHandle [as _listen2] (node:net:1940:16) {
  code: 'EADDRINUSE'
}

Node.js v24.21.0
`
  const line = (fields: object) => `${JSON.stringify(fields)}\n`
  const ended = line({ level: 'warn', msg: 'process ended', code: 1 })
  expect(lastError('')).toBeUndefined()
  expect(lastError(line({ level: 'info', msg: 'Error: not one' }))).toBeUndefined()
  expect(lastError('{"level":"error","msg":"cut o')).toBeUndefined()
  expect(lastError(uncaught + ended)).toBe('listen EADDRINUSE: address already in use 127.0.0.1:6443')
  expect(
    lastError(`TypeError [ERR_INVALID]: first\n${line({ level: 'error', msg: 'The agent ends', error: { message: 'no disk' } })}${ended}`),
  ).toBe('The agent ends: no disk')
  expect(lastError(`${line({ level: 'error', msg: 'alone' })}RangeError [ERR_X]: later\n`)).toBe('later')
})
