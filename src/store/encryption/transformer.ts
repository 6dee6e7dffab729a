import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import type { EncryptionKey, ProviderConfiguration } from './encryption-configuration.ts'

/** One way to keep a value, with one key. */
export interface Transformer {
  /** How the stored form begins; empty for plain values. */
  readonly prefix: Buffer
  seal(value: Uint8Array, context: Buffer): Uint8Array
  /** `sealed` is without the prefix; throws when it is not what was sealed. */
  open(sealed: Buffer, context: Buffer): Uint8Array
}

/** All ways of an entry's providers, in the order of the configuration. */
export const transformersOf = (providers: readonly ProviderConfiguration[]): readonly Transformer[] =>
  providers.flatMap((provider) =>
    provider.type === 'identity'
      ? [identity]
      : provider.keys.map((key) => ({
          prefix: Buffer.from(`${encryptedPrefix}${provider.type}:v1:${key.name}:`),
          ...makers[provider.type](key),
        })),
  )

/** How everything begins that upstream encrypts. */
export const encryptedPrefix = 'k8s:enc:'

const identity: Transformer = { prefix: Buffer.alloc(0), seal: (value) => value, open: (sealed) => sealed }

type Maker = (key: EncryptionKey) => Omit<Transformer, 'prefix'>

const makers: Record<'aesgcm' | 'aescbc' | 'secretbox', Maker> = { aesgcm: aesGcm, aescbc: aesCbc, secretbox: secretBox }

/** nonce (12) · ciphertext · tag (16). Bound to its place: what is moved to another key of the store does not open. */
function aesGcm({ secret }: EncryptionKey): Omit<Transformer, 'prefix'> {
  const algorithm = `aes-${bitsOf(secret)}-gcm` as 'aes-256-gcm'
  return {
    seal(value, context) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv(algorithm, secret, nonce).setAAD(context)
      return Buffer.concat([nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, context) {
      if (sealed.length < 28) throw new Error('the stored data is too short')
      const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, 12)).setAAD(context).setAuthTag(sealed.subarray(-16))
      return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
    },
  }
}

/** initialisation vector (16) · ciphertext, padded as PKCS #7 says. Nothing is authenticated. */
function aesCbc({ secret }: EncryptionKey): Omit<Transformer, 'prefix'> {
  const algorithm = `aes-${bitsOf(secret)}-cbc`
  return {
    seal(value) {
      const start = randomBytes(16)
      const cipher = createCipheriv(algorithm, secret, start)
      return Buffer.concat([start, cipher.update(value), cipher.final()])
    },
    open(sealed) {
      if (sealed.length < 32) throw new Error('the stored data is too short')
      const decipher = createDecipheriv(algorithm, secret, sealed.subarray(0, 16))
      return Buffer.concat([decipher.update(sealed.subarray(16)), decipher.final()])
    },
  }
}

/** nonce (24) · box, as NaCl has it: XSalsa20 and Poly1305. */
function secretBox({ secret }: EncryptionKey): Omit<Transformer, 'prefix'> {
  return {
    seal(value) {
      const nonce = randomBytes(24)
      return Buffer.concat([nonce, xsalsa20poly1305(secret, nonce).encrypt(value)])
    },
    open(sealed) {
      if (sealed.length < 40) throw new Error('the stored data is too short')
      return xsalsa20poly1305(secret, sealed.subarray(0, 24)).decrypt(sealed.subarray(24))
    },
  }
}

const bitsOf = (secret: Buffer) => secret.length * 8
