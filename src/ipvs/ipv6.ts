/** IPv6 addresses as `inet_pton` and `inet_ntop` read and write them. */

/** An IPv4 address in the one form of `inet_pton`, four decimal numbers without leading zeros, as a number, or undefined. */
export function readDottedIPv4(text: string): number | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined
  const bytes = text.split('.').map(Number)
  return bytes.some((byte) => byte > 255) ? undefined : bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

const dottedText = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')

/** An IPv6 address as its eight groups, or undefined. */
export function readIPv6(text: string): number[] | undefined {
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
