import { parseAddress } from '../ipvs/index.js'

/**
 * Telling a link where an address is, so that neighbours and switches forget who had it: gratuitous ARP (RFC 5944
 * section 4.6, RFC 5798 section 8.2) and unsolicited neighbour advertisements (RFC 4861 section 7.2.6).
 */

const ETHERTYPE_ARP = 0x0806
const ETHERTYPE_IPV6 = 0x86dd
const ETHERNET = 14
const ARP_REQUEST = 1
const ICMPV6 = 58
const NEIGHBOUR_ADVERTISEMENT = 136
const ND_HOPS = 255
/** Solicited is not set: nobody asked. */
const FLAG_ROUTER = 0x80
const FLAG_OVERRIDE = 0x20
const OPTION_TARGET_LINK_ADDRESS = 2

/**
 * The frame that tells everybody on the link that `address` is at `mac`.
 * @param mac six bytes
 */
export function announcement(address: string, mac: Uint8Array): Uint8Array {
  return address.includes(':') ? neighbourAdvertisement(address, mac) : gratuitousArp(address, mac)
}

/** A request for an address of our own: more hosts learn from it than from a reply that nobody asked for. */
function gratuitousArp(address: string, mac: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ETHERNET + 28)
  const view = new DataView(bytes.buffer)
  bytes.fill(0xff, 0, 6)
  bytes.set(mac, 6)
  view.setUint16(12, ETHERTYPE_ARP)
  view.setUint16(14, 1)
  view.setUint16(16, 0x0800)
  bytes[18] = 6
  bytes[19] = 4
  view.setUint16(20, ARP_REQUEST)
  const ip = parseAddress(address).subarray(0, 4)
  bytes.set(mac, 22)
  bytes.set(ip, 28)
  bytes.fill(0xff, 32, 38)
  bytes.set(ip, 38)
  return bytes
}

const ALL_NODES = parseAddress('ff02::1')
const ALL_NODES_MAC = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1)

function neighbourAdvertisement(address: string, mac: Uint8Array): Uint8Array {
  const ip = parseAddress(address)
  const message = new Uint8Array(32)
  message[0] = NEIGHBOUR_ADVERTISEMENT
  message[4] = FLAG_ROUTER | FLAG_OVERRIDE
  message.set(ip, 8)
  message[24] = OPTION_TARGET_LINK_ADDRESS
  message[25] = 1
  message.set(mac, 26)
  const bytes = new Uint8Array(ETHERNET + 40 + message.byteLength)
  const view = new DataView(bytes.buffer)
  bytes.set(ALL_NODES_MAC, 0)
  bytes.set(mac, 6)
  view.setUint16(12, ETHERTYPE_IPV6)
  bytes[ETHERNET] = 0x60
  view.setUint16(ETHERNET + 4, message.byteLength)
  bytes[ETHERNET + 6] = ICMPV6
  bytes[ETHERNET + 7] = ND_HOPS
  bytes.set(ip, ETHERNET + 8)
  bytes.set(ALL_NODES, ETHERNET + 24)
  bytes.set(message, ETHERNET + 40)
  view.setUint16(ETHERNET + 42, checksum6(ip, ALL_NODES, message))
  return bytes
}

/** RFC 4443 section 2.3; the message's own field is 0. */
function checksum6(source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  let sum = message.byteLength + ICMPV6
  for (const part of [source, destination, message])
    for (let i = 0; i < part.byteLength; i += 2) sum += ((part[i] as number) << 8) | (part[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** When a master announces: at once, again after a while, and from time to time. Milliseconds. */
export interface AnnouncePlan {
  /** How often in a row. */
  readonly repeat: number
  /** Until the second row, for those that the first one did not reach; 0: there is none. */
  readonly again: number
  /** Between rows while it is master; 0: none. */
  readonly refresh: number
  readonly refreshRepeat: number
}

/** keepalived's garp_master_* */
export const defaultAnnouncements: AnnouncePlan = { repeat: 5, again: 5000, refresh: 0, refreshRepeat: 1 }

/** The rows that are due, of one master. */
export class AnnounceSchedule {
  #again: number | undefined
  #refresh: number | undefined

  constructor(readonly plan: AnnouncePlan) {}

  get deadline(): number | undefined {
    if (this.#again === undefined || this.#refresh === undefined) return this.#again ?? this.#refresh
    return Math.min(this.#again, this.#refresh)
  }

  /** It became master, or heard another one. @returns how often to announce now */
  begin(now: number): number {
    const { repeat, again, refresh } = this.plan
    this.#again = again > 0 ? now + again : undefined
    this.#refresh = refresh > 0 ? now + refresh : undefined
    return repeat
  }

  /** It is master no more. */
  end(): void {
    this.#again = undefined
    this.#refresh = undefined
  }

  /** @returns how often to announce now */
  expire(now: number): number {
    let rows = 0
    if (this.#again !== undefined && now >= this.#again) {
      this.#again = undefined
      rows = this.plan.repeat
    }
    if (this.#refresh !== undefined && now >= this.#refresh) {
      this.#refresh = now + this.plan.refresh
      rows = Math.max(rows, this.plan.refreshRepeat)
    }
    return rows
  }
}
