import dictionaries from 'spdy-transport/lib/spdy-transport/protocol/spdy/dictionary.js'

/** What headers are compressed with from the first byte on; section 2.6.10.1 of the draft. */
export const headerDictionary: Uint8Array = dictionaries[3]
