import { expect, test } from 'vitest'
import { StartSteps } from './start-steps.ts'

test('a step is a check that fails until it is done', async () => {
  const steps = new StartSteps()
  let finish = (_: number) => {}
  const running = steps.run('rbac/bootstrap-roles', () => new Promise<number>((resolve) => (finish = resolve)))
  const [check] = steps.checks()
  expect(check?.name).toBe('poststarthook/rbac/bootstrap-roles')
  expect(check?.check()).toEqual(new Error('not finished'))
  finish(7)
  expect(await running).toBe(7)
  expect(check?.check()).toBeUndefined()
})
