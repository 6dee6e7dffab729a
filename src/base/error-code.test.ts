import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { hasErrorCode, onErrorCode } from './error-code.ts'

test('errors with the codes that are told become the value', async () => {
  expect(await readFile('/nonexistent', 'utf8').catch(onErrorCode(['EACCES', 'ENOENT'], 'none'))).toBe('none')
})

test('other errors go on', async () => {
  await expect(readFile('/', 'utf8').catch(onErrorCode(['ENOENT'], 'none'))).rejects.toThrow('EISDIR')
  expect(() => onErrorCode(['ENOENT'], 'none')(new Error('ENOENT'))).toThrow('ENOENT')
})

test('what is no error has no code', () => {
  expect(hasErrorCode({ code: 'ENOENT' }, 'ENOENT')).toBe(false)
  expect(hasErrorCode(undefined, 'ENOENT')).toBe(false)
})
