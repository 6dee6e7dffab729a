import { renameSync, writeFileSync } from 'node:fs'

/** Tells `sampan up` that this process answers: the file appears whole. */
export function tellReady(file: string): void {
  writeFileSync(`${file}.new`, `${process.pid}\n`, { mode: 0o644 })
  renameSync(`${file}.new`, file)
}
