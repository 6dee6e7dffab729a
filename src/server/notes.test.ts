import { expect, test } from 'vitest'
import { Notes } from './notes.ts'
import { jsonReply, withWarnings } from './replies.ts'

test('warnings become headers behind those that a reply has', () => {
  const notes = new Notes()
  const reply = jsonReply(200, {}, { warning: '299 - "one"' })
  expect(withWarnings(reply, notes.warnings)).toBe(reply)
  notes.warn('two')
  notes.warn('a "third"')
  notes.warn('two')
  expect(withWarnings(reply, notes.warnings).headers.warning).toBe('299 - "one", 299 - "two", 299 - "a \\"third\\""')
})

test('an annotation keeps its first value', () => {
  const notes = new Notes()
  notes.annotate('a', '1')
  notes.annotate('a', '2')
  expect([...notes.annotations]).toEqual([['a', '1']])
})
