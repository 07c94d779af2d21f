/**
 * Text and bytes of addresses. Text comes checked: the command's grammar or the configuration's schema has seen it.
 */

/** Four bytes in network order. @throws RangeError for what is no IPv4 address */
export function parseIPv4(text: string): Uint8Array {
  const parts = text.split('.').map(Number)
  if (parts.length !== 4 || parts.some((n) => !Number.isInteger(n) || n < 0 || n > 255))
    throw new RangeError(`${text} is not an IPv4 address`)
  return Uint8Array.from(parts)
}

/** The first four bytes of `bytes` as dotted text. */
export function formatIPv4(bytes: Uint8Array): string {
  return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
}
