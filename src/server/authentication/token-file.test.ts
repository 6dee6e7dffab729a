import { expect, test } from 'vitest'
import { parseTokenFile } from './token-file.ts'

test('names users by their tokens', () => {
  const file = 'abc,anna,1\n\n def , bob , 2 , "dev,system:masters, ""x"""\r\nabc,other,3\nghi,carl,4,dev\n'
  expect([...parseTokenFile(file)]).toEqual([
    ['abc', { name: 'anna', uid: '1', groups: [] }],
    ['def', { name: 'bob', uid: '2', groups: ['dev', 'system:masters', '"x"'] }],
    ['ghi', { name: 'carl', uid: '4', groups: ['dev'] }],
  ])
})

test('says which line says too little', () => {
  expect(() => parseTokenFile('a,b,c\na,b')).toThrow('line 2 has less than the three columns')
})
