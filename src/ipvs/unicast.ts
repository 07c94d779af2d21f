import { networkInterfaces } from 'node:os'
import { parseAddress, parseIPv4 } from './address.js'

type Addresses = ReturnType<typeof networkInterfaces>

let kept: { addresses?: Addresses } | undefined

/** This host's addresses: asked each time, since others change them; but once for all that is done together. */
function ownAddresses(): Addresses {
  if (!kept) return networkInterfaces()
  kept.addresses ??= networkInterfaces()
  return kept.addresses
}

/** Does work that asks for this host's addresses over and over. */
export function withAddressesKept<T>(work: () => T): T {
  kept = {}
  try {
    return work()
  } finally {
    kept = undefined
  }
}

const number = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)

/**
 * Can `address` be a real server's? Not 0.0.0.0, multicast, or a broadcast address of one of our networks; of IPv6 not
 * the unspecified one, multicast, link-local or IPv4-mapped: as IPVS.
 */
export function isUnicast(address: string): boolean {
  if (address.includes(':')) return isUnicast6(address) || isLocal(address)
  const bytes = parseIPv4(address)
  const first = bytes[0] as number
  if (first >= 224 && first <= 239) return false
  const value = number(bytes)
  if (value === 0 || value === 0xffff_ffff) return false
  for (const addresses of Object.values(ownAddresses())) {
    for (const own of addresses ?? []) {
      if (own.family !== 'IPv4') continue
      const mask = number(parseIPv4(own.netmask))
      if (mask >= 0xffff_fffe) continue
      const network = number(parseIPv4(own.address)) & mask
      if (value === (network | ~mask) >>> 0) return false
    }
  }
  return true
}

function isUnicast6(address: string): boolean {
  const bytes = parseAddress(address)
  const [first = 0, second = 0] = bytes
  const leading = bytes.findIndex((byte) => byte !== 0)
  const linkLocal = first === 0xfe && (second & 0xc0) === 0x80
  const mapped = leading === 10 && bytes[10] === 0xff && bytes[11] === 0xff
  return leading >= 0 && first !== 0xff && !linkLocal && !mapped
}

/** Is `address` one of this host's own? */
export function isLocal(address: string): boolean {
  if (address.startsWith('127.') || address === '::1') return true
  return Object.values(ownAddresses()).some((addresses) => addresses?.some((own) => own.address === address))
}
