import { text, truth } from './flag-values.ts'

/** Flags that say how what is stored is kept. */
export const storageFlags = {
  /** A file with an EncryptionConfiguration. */
  'encryption-provider-config': text,
  /** Whether it is read again when it changes. */
  'encryption-provider-config-automatic-reload': truth,
}
