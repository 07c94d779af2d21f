import { isIPv4, isIPv6 } from 'node:net'
import { formatAddress, parseAddress } from '../ipvs/index.js'

/**
 * VRRP's one message, the advertisement: RFC 3768 (version 2), RFC 5798 and RFC 9568 (version 3).
 */

export type VrrpFamily = 4 | 6

/** How a version 2 advertisement says who sent it (RFC 2338, which keepalived kept). */
export interface SimplePassword {
  readonly type: 'password'
  /** Up to eight bytes of it count. */
  readonly password: string
}

export interface Advert {
  readonly version: 2 | 3
  readonly family: VrrpFamily
  /** Virtual router, 1 to 255. */
  readonly vrid: number
  /** 255: owner of the addresses; 0: the sender gives up. */
  readonly priority: number
  /** Milliseconds between two of them. On the wire whole seconds (version 2) or hundredths (version 3). */
  readonly interval: number
  /** As many as 255, in the sender's order. */
  readonly addresses: readonly string[]
}

/** How an advertisement goes, or came. */
export interface Envelope {
  readonly source: string
  readonly destination: string
  /** A received one's TTL or hop limit. */
  readonly hops?: number
}

export interface CodecOptions {
  /** Version 2 only. */
  readonly authentication?: SimplePassword
  /**
   * Version 3 over IPv4: whether the checksum covers a pseudo-header. RFC 5798 was read so, keepalived sends it so;
   * RFC 9568 says no. Received ones may have either.
   */
  readonly pseudoHeader?: boolean
}

/** IP protocol number. */
export const VRRP_PROTOCOL = 112
export const VRRP_GROUP = { 4: '224.0.0.18', 6: 'ff02::12' } as const
/** RFC 5798 section 5.1.1.3: an advertisement with any other has crossed a router. */
export const VRRP_HOPS = 255

const TYPE_ADVERTISEMENT = 1
const HEADER = 8
const AUTHENTICATION = 8
const AUTHENTICATION_NONE = 0
const AUTHENTICATION_PASSWORD = 1
const MOST_ADDRESSES = 255
const MOST_CENTISECONDS = 0xfff

/** Why nothing was taken from a received advertisement. */
export const rejections = {
  hops: 'it has crossed a router',
  length: 'its length is not what it tells',
  version: 'its version is not ours',
  type: 'it is no advertisement',
  vrid: 'its virtual router is none',
  checksum: 'its checksum is wrong',
  authentication: 'it is not authenticated as agreed',
  interval: 'its interval is none',
} as const

export type Rejection = keyof typeof rejections

/** Thrown by {@link decodeAdvert}: to be counted by its reason, and forgotten. */
export class RejectedError extends Error {
  override readonly name = 'RejectedError'

  constructor(readonly reason: Rejection) {
    super(rejections[reason])
  }
}

/**
 * The bytes of an advertisement, after the IP header.
 * @throws RangeError for what the version cannot say: an interval out of range, IPv6 in version 2, too many addresses
 */
export function encodeAdvert(advert: Advert, envelope: Envelope, options: CodecOptions = {}): Uint8Array {
  const { version, family, vrid, priority, addresses } = advert
  whole('virtual router', vrid, 1, 255)
  whole('priority', priority, 0, 255)
  if (addresses.length > MOST_ADDRESSES) throw new RangeError(`more than ${MOST_ADDRESSES} addresses`)
  if (version === 2 && family === 6) throw new RangeError('version 2 has no IPv6')
  const size = addressSize(family)
  const trailer = version === 2 ? AUTHENTICATION : 0
  const bytes = new Uint8Array(HEADER + addresses.length * size + trailer)
  const view = new DataView(bytes.buffer)
  bytes[0] = (version << 4) | TYPE_ADVERTISEMENT
  bytes[1] = vrid
  bytes[2] = priority
  bytes[3] = addresses.length
  if (version === 2) {
    bytes[4] = options.authentication ? AUTHENTICATION_PASSWORD : AUTHENTICATION_NONE
    bytes[5] = whole('interval in seconds', advert.interval / 1000, 1, 255)
  } else {
    view.setUint16(4, whole('interval in hundredths of a second', advert.interval / 10, 1, MOST_CENTISECONDS))
  }
  for (const [i, address] of addresses.entries()) {
    if (!(family === 4 ? isIPv4(address) : isIPv6(address))) throw new RangeError(`${address} is not of IPv${family}`)
    bytes.set(parseAddress(address).subarray(0, size), HEADER + i * size)
  }
  if (version === 2 && options.authentication)
    bytes.set(passwordBytes(options.authentication), bytes.byteLength - AUTHENTICATION)
  view.setUint16(6, checksum(bytes, pseudoHeader(advert, envelope, bytes.byteLength, options.pseudoHeader ?? true)))
  return bytes
}

/** What is expected of an advertisement that came in. */
export interface Expected extends CodecOptions {
  readonly version: 2 | 3
  readonly family: VrrpFamily
  /** False for unicast: a configured peer may be behind routers. */
  readonly oneHop: boolean
}

/**
 * Understands an advertisement. It is taken whole or not at all. Whose it is (`vrid`) is the caller's to look at: several
 * virtual routers share a link.
 * @throws RejectedError
 */
export function decodeAdvert(bytes: Uint8Array, envelope: Envelope, expected: Expected): Advert {
  const { version, family } = expected
  if (expected.oneHop && envelope.hops !== VRRP_HOPS) throw new RejectedError('hops')
  if (bytes.byteLength < HEADER) throw new RejectedError('length')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const first = view.getUint8(0)
  if (first >> 4 !== version) throw new RejectedError('version')
  if ((first & 0xf) !== TYPE_ADVERTISEMENT) throw new RejectedError('type')
  const vrid = view.getUint8(1)
  if (vrid === 0) throw new RejectedError('vrid')
  const count = view.getUint8(3)
  const size = addressSize(family)
  const length = HEADER + count * size + (version === 2 ? AUTHENTICATION : 0)
  if (bytes.byteLength !== length) throw new RejectedError('length')
  const interval = version === 2 ? view.getUint8(5) * 1000 : (view.getUint16(4) & MOST_CENTISECONDS) * 10
  if (interval === 0) throw new RejectedError('interval')
  const sums = version === 3 && family === 4 ? [true, false] : [true]
  const advert: Advert = {
    version,
    family,
    vrid,
    priority: view.getUint8(2),
    interval,
    addresses: Array.from({ length: count }, (_, i) => addressAt(bytes, HEADER + i * size, family)),
  }
  if (!sums.some((pseudo) => checksum(bytes, pseudoHeader(advert, envelope, length, pseudo)) === 0))
    throw new RejectedError('checksum')
  if (version === 2) checkAuthentication(bytes, expected.authentication)
  return advert
}

function checkAuthentication(bytes: Uint8Array, wanted: SimplePassword | undefined): void {
  const type = bytes[4]
  if (type !== (wanted ? AUTHENTICATION_PASSWORD : AUTHENTICATION_NONE)) throw new RejectedError('authentication')
  if (!wanted) return
  const found = bytes.subarray(bytes.byteLength - AUTHENTICATION)
  const password = passwordBytes(wanted)
  // a password in clear text: there is no secret that comparing could tell
  if (!found.every((byte, i) => byte === password[i])) throw new RejectedError('authentication')
}

function passwordBytes({ password }: SimplePassword): Uint8Array {
  const bytes = new Uint8Array(AUTHENTICATION)
  bytes.set(new TextEncoder().encode(password).subarray(0, AUTHENTICATION))
  return bytes
}

function addressAt(bytes: Uint8Array, at: number, family: VrrpFamily): string {
  const wide = new Uint8Array(16)
  wide.set(bytes.subarray(at, at + addressSize(family)))
  return formatAddress(wide, family === 4 ? AF_INET : AF_INET6)
}

const AF_INET = 2
const AF_INET6 = 10

const addressSize = (family: VrrpFamily) => (family === 4 ? 4 : 16)

/** What a checksum covers before the message: RFC 8200 section 8.1, and the like of it for IPv4. */
function pseudoHeader({ version, family }: Advert, envelope: Envelope, length: number, wanted: boolean): Uint8Array {
  if (version === 2 || (family === 4 && !wanted)) return new Uint8Array()
  const size = addressSize(family)
  const bytes = new Uint8Array(2 * size + (family === 4 ? 4 : 8))
  bytes.set(parseAddress(envelope.source).subarray(0, size))
  bytes.set(parseAddress(envelope.destination).subarray(0, size), size)
  const view = new DataView(bytes.buffer)
  if (family === 4) {
    view.setUint8(2 * size + 1, VRRP_PROTOCOL)
    view.setUint16(2 * size + 2, length)
  } else {
    view.setUint32(2 * size, length)
    view.setUint8(2 * size + 7, VRRP_PROTOCOL)
  }
  return bytes
}

/** RFC 1071; over bytes that hold their own checksum: 0 when it is right. Parts of odd length do not occur before others. */
function checksum(...parts: Uint8Array[]): number {
  let sum = 0
  for (const part of parts)
    for (let i = 0; i < part.byteLength; i += 2) sum += ((part[i] as number) << 8) | (part[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function whole(what: string, value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high)
    throw new RangeError(`${what}: ${value} is not a whole number from ${low} to ${high}`)
  return value
}
