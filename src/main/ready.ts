import { renameSync, rmSync, writeFileSync } from 'node:fs'

/** What an earlier process told, which ended, does not hold for this one. */
export function tellUnready(file: string): void {
  rmSync(file, { force: true })
}

/** Tells `sampan up` that this process answers: the file appears whole. */
export function tellReady(file: string): void {
  writeFileSync(`${file}.new`, `${process.pid}\n`, { mode: 0o644 })
  renameSync(`${file}.new`, file)
}
