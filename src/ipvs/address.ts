import { SluiceFamily } from '../datapath/index.js'
import { formatIPv6, readDottedIPv4, readIPv6 } from './ipv6.js'

/**
 * Text and bytes of addresses. Text comes checked: the command's grammar or the configuration's schema has seen it.
 */

/** Four bytes in network order. @throws RangeError for what is no IPv4 address */
export function parseIPv4(text: string): Uint8Array {
  const plain = readDottedIPv4(text)
  if (plain !== undefined) return Uint8Array.of(plain >>> 24, plain >>> 16, plain >>> 8, plain)
  const parts = text.split('.').map(Number)
  if (parts.length !== 4 || parts.some((n) => !Number.isInteger(n) || n < 0 || n > 255))
    throw new RangeError(`${text} is not an IPv4 address`)
  return Uint8Array.from(parts)
}

/** The first four bytes of `bytes` as dotted text. */
export function formatIPv4(bytes: Uint8Array): string {
  return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
}

/** An address is of IPv6 when it has a colon. */
export const familyOf = (text: string): SluiceFamily => (text.includes(':') ? SluiceFamily.INET6 : SluiceFamily.INET)

/**
 * An address as the records have it: sixteen bytes, of which IPv4 takes the first four.
 * @throws RangeError for what is no address
 */
export function parseAddress(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  if (familyOf(text) === SluiceFamily.INET) {
    bytes.set(parseIPv4(text))
    return bytes
  }
  const groups = readIPv6(text)
  if (!groups) throw new RangeError(`${text} is not an IPv6 address`)
  const view = new DataView(bytes.buffer)
  for (const [i, group] of groups.entries()) view.setUint16(i * 2, group)
  return bytes
}

/** The other way round; `family` is SluiceFamily's. */
export function formatAddress(bytes: Uint8Array, family: number): string {
  if (family !== SluiceFamily.INET6) return formatIPv4(bytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return formatIPv6(Array.from({ length: 8 }, (_, i) => view.getUint16(i * 2)))
}
