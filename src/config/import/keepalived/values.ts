import { isIP, isIPv6 } from 'node:net'
import { timeText } from '../../schema/fields.js'
import { argumentsOf } from './words.js'

type Words = readonly string[]

/** `on`, `yes`, `true`; a keyword alone says yes. */
export function flag([word]: Words): boolean | undefined {
  if (word === undefined || /^(on|true|yes)$/i.test(word)) return true
  return /^(off|false|no)$/i.test(word) ? false : undefined
}

export const whole =
  (low: number, high: number) =>
  ([word = '']: Words): number | undefined => {
    const value = /^[-+]?\d{1,12}$/.test(word) ? Number(word) : Number.NaN
    return value >= low && value <= high ? value : undefined
  }

/** A time in seconds, fractions allowed. @returns milliseconds */
export const seconds =
  (low = 0, high = 31_536_000) =>
  ([word = '']: Words): number | undefined => {
    const value = /^\d{1,9}(\.\d{1,9})?$/.test(word) ? Number(word) : Number.NaN
    return value >= low && value <= high ? Math.round(value * 1000) : undefined
  }

export const text = ([word]: Words): string | undefined => word || undefined

export const oneOf =
  <const T extends string>(...words: readonly T[]) =>
  ([word = '']: Words): T | undefined =>
    words.find((one) => one === word)

export const address = ([word = '']: Words): string | undefined => (isIP(word) ? word : undefined)

export const port = whole(1, 65535)

export const isWide = (ip: string): boolean => isIPv6(ip)

/** For sluice.yaml. */
export const time = (milliseconds: number): string => timeText(milliseconds)

/**
 * A program and its arguments. keepalived hands what is no program to a shell; what only a shell understands is recognised
 * by its signs.
 */
export function command([line = '']: Words): string[] | undefined {
  if (line.trim() === '') return undefined
  if (/[<>|&;`$*?]/.test(line.replace(/'[^']*'/g, ''))) return ['/bin/sh', '-c', line]
  const words = argumentsOf(line)
  return words[0] ? words : undefined
}

/** Every address of `10.0.0.1`, `10.0.0.1-9`, `10.0.0.1-10.0.0.9` or `10.0.0.8/29`. @returns undefined for none, or too many */
export function addressRange(written: string): string[] | undefined {
  if (isIP(written)) return [written]
  const [, base = '', bits] = /^(.+)\/(\d{1,3})$/.exec(written) ?? []
  if (bits !== undefined) {
    const width = isWide(base) ? 128 : 32
    if (!isIP(base) || Number(bits) > width) return undefined
    const size = 1n << BigInt(width - Number(bits))
    const first = numberOf(base) & ~(size - 1n)
    return list(first, first + size - 1n, isWide(base))
  }
  const [, from = '', end = ''] = /^([^-]+)-([^-]+)$/.exec(written) ?? []
  if (!isIP(from)) return undefined
  const to = isIP(end) ? end : from.replace(/[^.:]*$/, end)
  if (!isIP(to) || isWide(to) !== isWide(from)) return undefined
  return list(numberOf(from), numberOf(to), isWide(from))
}

const MOST_ADDRESSES = 4096n

function list(first: bigint, last: bigint, wide: boolean): string[] | undefined {
  if (last < first || last - first >= MOST_ADDRESSES) return undefined
  const addresses: string[] = []
  for (let value = first; value <= last; value += 1n) addresses.push(addressOf(value, wide))
  return addresses
}

function numberOf(ip: string): bigint {
  if (!isWide(ip)) return BigInt(ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0))
  const plain = new URL(`http://[${ip}]`).hostname.slice(1, -1)
  const [head = '', tail] = plain.split('::')
  const groups = (half: string) => (half === '' ? [] : half.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = tail === undefined ? [] : Array(8 - before.length - after.length).fill('0')
  return BigInt(`0x${[...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('')}`)
}

function addressOf(value: bigint, wide: boolean): string {
  if (!wide) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
  const groups = value.toString(16).padStart(32, '0').match(/.{4}/g) as string[]
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

/** Bytes of keepalived's free hexadecimal text: pairs, a digit left over in a word is a byte of its own. `X`: any digit. */
export function hexBytes(words: Words): string[] | undefined {
  const all = words.flatMap((word) => word.split(/\s+/)).filter((word) => word !== '')
  if (!all.every((word) => /^[0-9a-fx]+$/i.test(word))) return undefined
  return all.flatMap((word) => (word.match(/..?/g) ?? []).map((pair) => pair.padStart(2, '0').toLowerCase()))
}
