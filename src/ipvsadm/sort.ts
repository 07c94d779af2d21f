import type { Protocol, Server, Service } from '../ipvs/types.js'
import { readIPv4, readIPv6 } from './address.js'

const protocolNumbers: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17, sctp: 132 }

type Compare<T> = (a: T, b: T) => number

/** ipvsadm's order of services: firewall mark (none first), family, protocol, address, port. */
export const byService: Compare<Service> = ({ key: a }, { key: b }) => {
  const [markA, markB] = ['fwmark' in a ? a.fwmark : 0, 'fwmark' in b ? b.fwmark : 0]
  if (markA !== markB) return (markA - markB) | 0
  if ('fwmark' in a || 'fwmark' in b) return familyOf(a) - familyOf(b)
  return (
    familyOf(a) - familyOf(b) ||
    protocolNumbers[a.protocol] - protocolNumbers[b.protocol] ||
    byAddress(a, b) ||
    a.port - b.port
  )
}

/** ipvsadm's order of a service's servers: address, port. */
export const byServer: Compare<Server> = (a, b) => byAddress(a, b) || a.port - b.port

const familyOf = (key: { family: string } | { address: string }) =>
  ('family' in key ? key.family === 'inet6' : key.address.includes(':')) ? 10 : 2

/**
 * Addresses are compared as ipvsadm does it, 32 bits after 32 bits, by a difference that overflows: what is further apart
 * than half of the range comes the other way round. An IPv4 address stands as the first 32 bits of an IPv6 one.
 */
function byAddress(a: { address: string }, b: { address: string }): number {
  const [wordsA, wordsB] = [knownWords(a), knownWords(b)]
  for (let at = 0; at < 4; at += 1) if (wordsA[at] !== wordsB[at]) return ((wordsA[at] ?? 0) - (wordsB[at] ?? 0)) | 0
  return 0
}

/** Each is compared many times while a table is sorted. */
const words = new WeakMap<object, number[]>()

function knownWords(of: { address: string }): number[] {
  let known = words.get(of)
  if (!known) {
    known = wordsOf(of.address)
    words.set(of, known)
  }
  return known
}

function wordsOf(address: string): number[] {
  const groups = readIPv6(address)
  if (!groups) return [readIPv4(address) ?? 0, 0, 0, 0]
  return [0, 2, 4, 6].map((i) => (groups[i] ?? 0) * 65536 + (groups[i + 1] ?? 0))
}

/** The C library's merge sort: with an order that goes in circles, as that of {@link byAddress} may, another gives another result. */
export function sorted<T>(items: readonly T[], compare: Compare<T>): T[] {
  if (items.length < 2) return [...items]
  const middle = items.length >> 1
  const one = sorted(items.slice(0, middle), compare)
  const two = sorted(items.slice(middle), compare)
  const merged: T[] = []
  let i = 0
  for (const item of one) {
    while (i < two.length && compare(item, two[i] as T) > 0) merged.push(two[i++] as T)
    merged.push(item)
  }
  return [...merged, ...two.slice(i)]
}
