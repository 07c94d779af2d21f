import { networkInterfaces } from 'node:os'
import { parseIPv4 } from './address.js'

const number = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)

/** Can `address` be a real server's? Not 0.0.0.0, multicast, or a broadcast address of one of our networks: as IPVS. */
export function isUnicast(address: string): boolean {
  const bytes = parseIPv4(address)
  const first = bytes[0] as number
  if (first >= 224 && first <= 239) return false
  const value = number(bytes)
  if (value === 0 || value === 0xffff_ffff) return false
  for (const addresses of Object.values(networkInterfaces())) {
    for (const own of addresses ?? []) {
      if (own.family !== 'IPv4') continue
      const mask = number(parseIPv4(own.netmask))
      if (mask >= 0xffff_fffe) continue
      const network = number(parseIPv4(own.address)) & mask
      if (value === (network | ~mask) >>> 0 || value === network >>> 0) return false
    }
  }
  return true
}

/** Is `address` one of this host's own? */
export function isLocal(address: string): boolean {
  if (address.startsWith('127.')) return true
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some((own) => own.address === address))
}
