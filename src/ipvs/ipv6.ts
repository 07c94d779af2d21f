/** IPv6 addresses as `inet_pton` and `inet_ntop` read and write them. */

/**
 * An IPv4 address in the one form of `inet_pton`, four decimal numbers without leading zeros, as a number, or undefined.
 * Character by character: tables of ten thousands of addresses are read by it.
 */
export function readDottedIPv4(text: string): number | undefined {
  let [sum, byte, digits, dots] = [0, 0, 0, 0]
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code === 46 /* . */) {
      if (digits === 0 || dots === 3) return undefined
      sum = sum * 256 + byte
      ;[byte, digits, dots] = [0, 0, dots + 1]
      continue
    }
    if (code < 48 || code > 57 || (digits > 0 && byte === 0)) return undefined
    byte = byte * 10 + (code - 48)
    digits += 1
    if (byte > 255) return undefined
  }
  return dots === 3 && digits > 0 ? sum * 256 + byte : undefined
}

const dottedText = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')

/** An IPv6 address as its eight groups, or undefined. */
export function readIPv6(text: string): number[] | undefined {
  if (!text.includes(':')) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, i) => readGroups(half, i === halves.length - 1))
  if (!head || (halves.length === 2 && !tail)) return undefined
  if (!tail) return head.length === 8 ? head : undefined
  const zeros = 8 - head.length - tail.length
  return zeros < 1 ? undefined : [...head, ...Array<number>(zeros).fill(0), ...tail]
}

function readGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const words = text.split(':')
  for (const [i, word] of words.entries()) {
    if (last && i === words.length - 1 && word.includes('.')) {
      const value = readDottedIPv4(word)
      if (value === undefined) return undefined
      groups.push(value >>> 16, value & 0xffff)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(word)) groups.push(Number.parseInt(word, 16))
    else return undefined
  }
  return groups
}

/** The shortest form, as `inet_ntop` writes it: the first longest run of two or more zero groups becomes `::`. */
export function formatIPv6(groups: readonly number[]): string {
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i += 1) {
    let run = 0
    while (groups[i + run] === 0) run += 1
    if (run > length) [start, length] = [i, run]
  }
  const dotted =
    start === 0 && (length === 6 || (length === 5 && groups[5] === 0xffff))
      ? dottedText((groups[6] ?? 0) * 65536 + (groups[7] ?? 0))
      : undefined
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  if (dotted !== undefined) return length === 6 ? `::${dotted}` : `::ffff:${dotted}`
  if (start < 0) return hex(groups)
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}
