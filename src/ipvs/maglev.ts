import { MaglevRecord } from '../datapath/index.js'

/**
 * The lookup table of the scheduler mh, as kernel IPVS fills it: Maglev hashing (Eisenbud and others, NSDI 2016, section
 * 3.4), each server taking as many places in its turn as its weight says. The datapath looks into it (bpf/sched/mh.h).
 */

/** Places of the table, a prime. */
export const MAGLEV_SIZE = MaglevRecord.SIZE / 2

/** Turns are at most this many bits long: a weight is shifted right until the highest one fits. */
const TURN_BITS = 6

const OFFSET_KEY = 2654435761n
const SKIP_KEY = 2654446892n

export interface MaglevServer {
  /** What stands in the table; not 0. */
  readonly slot: number
  /** 4 bytes or 16, in network byte order; zeros may follow an IPv4 address. */
  readonly address: Uint8Array
  readonly port: number
  /** The last weight that was not 0. */
  readonly weight: number
}

const MASK = 0xffff_ffff_ffff_ffffn

const rotate = (value: bigint, bits: bigint) => ((value << bits) | (value >> (64n - bits))) & MASK

/** SipHash-1-3 of a message of one 32-bit word, both halves of the key the same; its lower 32 bits. */
export function siphashWord(word: number, key: bigint): number {
  let [a, b, c, d] = [
    key ^ 0x736f6d6570736575n,
    key ^ 0x646f72616e646f6dn,
    key ^ 0x6c7967656e657261n,
    key ^ 0x7465646279746573n,
  ]
  const round = () => {
    a = (a + b) & MASK
    c = (c + d) & MASK
    b = rotate(b, 13n) ^ a
    d = rotate(d, 16n) ^ c
    a = (rotate(a, 32n) + d) & MASK
    c = (c + b) & MASK
    b = rotate(b, 17n) ^ c
    d = rotate(d, 21n) ^ a
    c = rotate(c, 32n)
  }
  const last = (4n << 56n) | BigInt(word >>> 0)
  d ^= last
  round()
  a ^= last
  c ^= 0xffn
  round()
  round()
  round()
  return Number((a ^ b ^ c ^ d) & 0xffff_ffffn)
}

/** An address as one number: IPv6's four words one over the other. */
export function foldAddress(address: Uint8Array): number {
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength)
  let fold = 0
  for (let at = 0; at < address.byteLength; at += 4) fold ^= view.getUint32(at)
  return fold >>> 0
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/** How many places each server takes in its turn. */
export function maglevTurns(weights: readonly number[]): number[] {
  const divisor = weights.reduce(gcd, 0)
  if (divisor === 0) return weights.map(() => 0)
  const highest = Math.max(...weights) / divisor
  const shift = Math.max(0, 32 - Math.clz32(highest) - TURN_BITS)
  return weights.map((weight) => (weight === 0 ? 0 : Math.max(1, (weight / divisor) >>> shift)))
}

/**
 * @param servers in list order, which decides who comes first.
 * @returns whose each place is, as slots; undefined where no server has a weight: nobody's.
 */
export function maglevTable(servers: readonly MaglevServer[]): MaglevRecord | undefined {
  const turns = maglevTurns(servers.map(({ weight }) => weight))
  const takers = servers.flatMap(({ slot, address, port }, i) => {
    const own = turns[i] ?? 0
    if (own === 0) return []
    const key = (foldAddress(address) + port) >>> 0
    return [
      {
        slot,
        turns: own,
        place: siphashWord(key, OFFSET_KEY) % MAGLEV_SIZE,
        skip: (siphashWord(key, SKIP_KEY) % (MAGLEV_SIZE - 1)) + 1,
      },
    ]
  })
  if (takers.length === 0) return undefined
  const table = new Uint16Array(MAGLEV_SIZE)
  for (let left = MAGLEV_SIZE; left > 0; ) {
    for (const taker of takers) {
      for (let turn = 0; turn < taker.turns && left > 0; turn += 1, left -= 1) {
        while (table[taker.place] !== 0) taker.place = (taker.place + taker.skip) % MAGLEV_SIZE
        table[taker.place] = taker.slot
      }
    }
  }
  const record = MaglevRecord.allocate()
  table.forEach((slot, place) => {
    record.setServer(place, slot)
  })
  return record
}
