declare module 'spdy-transport/lib/spdy-transport/protocol/spdy/dictionary.js' {
  const dictionaries: { readonly 3: Uint8Array }
  export default dictionaries
}
