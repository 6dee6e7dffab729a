import { type Functions, functionsOf } from '../functions.ts'
import { addresses } from './addresses.ts'
import { authorization } from './authorizer.ts'
import { conversions } from './conversions.ts'
import { namedFormats } from './formats.ts'
import { lists, sets } from './lists.ts'
import { mapInsert } from './map-insert.ts'
import { operators } from './operators.ts'
import { optionals } from './optionals.ts'
import { patterns } from './patterns.ts'
import { quantities } from './quantities.ts'
import { semvers } from './semvers.ts'
import { strings } from './strings.ts'
import { times } from './times.ts'
import { urls } from './urls.ts'

/** All that expressions in the API may call. */
export const standardFunctions: Functions = functionsOf(
  ...[operators, conversions, times, strings, patterns, lists, sets, optionals, mapInsert],
  ...[quantities, urls, addresses, namedFormats, semvers, authorization],
)
