import { constants } from 'node:os'
import type { Signal } from '../cri/types.ts'

const realTimeMin = 34
const realTimeMax = 64

/** The number of the signal that asks a container to stop: the pod's, else the image's ("SIGQUIT", "QUIT", "3"), else SIGTERM. */
export function signalNumber(wanted: Signal | undefined, image: string | undefined): number {
  if (wanted && wanted !== 'RUNTIME_DEFAULT') return named(wanted) ?? constants.signals.SIGTERM
  if (!image) return constants.signals.SIGTERM
  if (/^\d+$/.test(image)) return Number(image) > 0 && Number(image) <= realTimeMax ? Number(image) : constants.signals.SIGTERM
  return named(image.toUpperCase().replace(/^(SIG)?/, 'SIG')) ?? constants.signals.SIGTERM
}

function named(name: string): number | undefined {
  const realTime = /^SIGRT(MIN|MAX)(?:(?:\+|PLUS|-|MINUS)(\d+))?$/.exec(name)
  if (realTime) {
    const number = realTime[1] === 'MIN' ? realTimeMin + Number(realTime[2] ?? 0) : realTimeMax - Number(realTime[2] ?? 0)
    // What the kernel refuses would keep a container from being stopped at all.
    return number >= realTimeMin && number <= realTimeMax ? number : undefined
  }
  if (name === 'SIGCLD') return constants.signals.SIGCHLD
  return Object.entries(constants.signals).find(([known]) => known === name)?.[1]
}
