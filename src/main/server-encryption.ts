import { readFileSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Log } from '../base/log.ts'
import type { ApiServerFlags } from '../cli/api-server-flags.ts'
import { encryptedStore } from '../store/encryption/encrypted-store.ts'
import { parseEncryptionConfiguration } from '../store/encryption/encryption-configuration.ts'
import type { Store } from '../store/store.ts'

/** The store, encrypted as the flags want it; a file that is to be read again is, whenever it changes, until the signal aborts. */
export function encryptedAsAsked(store: Store, flags: ApiServerFlags, log: Log, signal: AbortSignal): Store {
  const file = flags['encryption-provider-config']
  if (file === undefined) return store
  const read = () => parseEncryptionConfiguration(readFileSync(file, 'utf8'))
  const encrypted = encryptedStore(store, read())
  if (flags['encryption-provider-config-automatic-reload'] ?? false) {
    // The folder, since files are mostly replaced and not written to.
    const watcher = watch(dirname(file), { signal, persistent: false }, (_, name) => {
      // A link beside it may be what changed: so are mounted secrets replaced.
      if (name !== basename(file) && name !== '..data') return
      try {
        encrypted.configure(read())
        log.info('The encryption configuration was read again', { file })
      } catch (error) {
        log.warn('The encryption configuration stays as it was', { error, file })
      }
    })
    watcher.on('error', (error) => log.warn('Changes of the encryption configuration are not seen', { error, file }))
  }
  return encrypted
}
