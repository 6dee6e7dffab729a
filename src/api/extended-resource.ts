/** A resource with a domain that is not Kubernetes' own, such as a device: `example.com/gpu`. */
export const isExtendedResource = (name: string): boolean =>
  name.includes('/') && !/^([a-z0-9.-]+\.)?kubernetes\.io\//.test(name) && !name.startsWith('requests.')
