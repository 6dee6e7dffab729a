import { StatusError } from '../api/status-error.ts'

/** What upstream's router says before any handler knows the resource: such a Status has details, and they are empty. */
export const noResource = (): StatusError => new StatusError('NotFound', 'the server could not find the requested resource', {})

export const notAllowed = (): StatusError =>
  new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource', {})

export const notAcceptable = (available: readonly string[]): StatusError =>
  new StatusError('NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`, {})

export const unsupportedMediaType = (): StatusError => new StatusError('UnsupportedMediaType', '415: Unsupported Media Type', {})
