import type { ServiceKey } from '../../ipvs/types.js'

/** What importers call a service: `tcp-192.168.10.100-80`, `fwmark-7`, `fwmark-7-inet6`. */
export function serviceName(key: ServiceKey | { readonly fwmark: number; readonly family?: 'inet6' }): string {
  if ('fwmark' in key) return `fwmark-${key.fwmark}${key.family === 'inet6' ? '-inet6' : ''}`
  return `${key.protocol}-${key.address}-${key.port}`
}
