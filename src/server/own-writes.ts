import type { UserInfo } from '../api/exchange.ts'
import type { WriteOptions } from './registry.ts'

/** The server itself, as a writer. */
export const serverUser: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

/** How the server writes what is there from the start; its fields are the user's. */
export const bootstrapWrites: WriteOptions = { user: serverUser, dryRun: false }

/** How it writes what it keeps as things come and go. */
export const ownWrites: WriteOptions = { ...bootstrapWrites, fieldManager: 'kube-apiserver' }
