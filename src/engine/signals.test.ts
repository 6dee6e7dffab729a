import { expect, test } from 'vitest'
import { signalNumber } from './signals.ts'

test.each([
  [undefined, undefined, 15],
  [undefined, 'SIGQUIT', 3],
  [undefined, 'quit', 3],
  [undefined, '9', 9],
  [undefined, '0', 15],
  [undefined, '65', 15],
  [undefined, 'SIGNOTHING', 15],
  [undefined, 'constructor', 15],
  [undefined, 'SIGRTMIN+3', 37],
  [undefined, 'RTMAX-1', 63],
  // An image's own word must not be one that kill(2) refuses.
  [undefined, 'SIGRTMIN+31', 15],
  [undefined, 'SIGRTMAX-99', 15],
  ['SIGUSR1', 'SIGQUIT', 10],
  ['SIGRTMINPLUS2', undefined, 36],
  ['RUNTIME_DEFAULT', 'SIGINT', 2],
] as const)('the stop signal for the pod’s %s and the image’s %s is %i', (wanted, image, number) => {
  expect(signalNumber(wanted, image)).toBe(number)
})
