import { expect, test } from 'vitest'
import { parseDockerfile } from './dockerfile.ts'
import { evaluate, type StageState } from './evaluate.ts'
import { splitStages } from './stages.ts'

/** The state after a stage's instructions. */
function evaluated(text: string): StageState {
  const { instructions, escapeMark } = parseDockerfile(`FROM scratch\n${text}`)
  const [stage] = splitStages({ instructions, escapeMark }, new Map(), new Map()).stages
  let state: StageState = { config: {}, author: undefined, args: new Map(), ownCmd: false }
  const context = { escapeMark, buildArgs: new Map(), globalArgs: new Map(), platformArgs: new Map() }
  for (const instruction of stage?.instructions ?? []) state = evaluate(state, instruction, context).state
  return state
}

test('a directive says which character escapes, whatever stands around it', () => {
  expect(parseDockerfile('#  escape =  `  \nFROM scratch').escapeMark).toBe('`')
  expect(() => parseDockerfile('# escape=x\nFROM scratch')).toThrow("invalid escape token 'x'")
})

test('a directive of very many spaces is read in one go', () => {
  const before = performance.now()
  expect(() => parseDockerfile(`# escape=x${' '.repeat(200_000)}y\nFROM scratch`)).toThrow('invalid escape token')
  expect(performance.now() - before).toBeLessThan(5000)
})

test('variables see what was before their instruction', () => {
  expect(evaluated('ENV A=1\nENV A=2 B=$A\nENV C=$B').config.Env).toEqual(['A=2', 'B=1', 'C=1'])
})

test.each([
  ['that double', `ENV A=${'x'.repeat(64)}\n${'ENV A=$A$A\n'.repeat(40)}`, 'variables expand to more than'],
  [
    'that are many',
    `ARG X=${'x'.repeat(100_000)}\n${Array.from({ length: 40 }, (_, index) => `ENV A${index}=$X`).join('\n')}`,
    'the environment has more than',
  ],
])('variables %s are refused', (_, text, message) => {
  expect(() => evaluated(text)).toThrow(message)
})
