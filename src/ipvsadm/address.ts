/**
 * Addresses as the C library reads and writes them: `inet_aton`, `inet_pton` and `inet_ntop`. Written out here because a
 * command line may hold what JavaScript's own parsers refuse (`10.1`, `0x0a000001`), and to load no network module.
 */
import { formatIPv6, readDottedIPv4, readIPv6 } from '../ipvs/ipv6.js'

/** An IPv4 address in the forms of `inet_aton` (dotted, shortened, hexadecimal, octal) as a number, or undefined. */
export function readIPv4(text: string): number | undefined {
  const plain = readDottedIPv4(text)
  if (plain !== undefined) return plain
  // what follows a blank is ignored, as inet_aton does
  const parts = (text.split(/[ \t\n\v\f\r]/, 1)[0] ?? '').split('.')
  if (parts.length > 4) return undefined
  const values: number[] = []
  for (const part of parts) {
    if (!/^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(part)) return undefined
    values.push(/^0[0-7]/.test(part) ? Number.parseInt(part, 8) : Number(part))
  }
  const last = values.pop() as number
  if (values.some((value) => value > 255) || last >= 256 ** (4 - values.length)) return undefined
  return values.reduce((sum, value, i) => sum + value * 256 ** (3 - i), last)
}

export { formatIPv6, readDottedIPv4, readIPv6 }

export function formatIPv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

/** An IPv4 or IPv6 address in the one form that the table uses, or undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const groups = readIPv6(text)
  if (groups) return formatIPv6(groups)
  const value = readIPv4(text)
  return value === undefined ? undefined : formatIPv4(value)
}
