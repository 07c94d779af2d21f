// Packets written out from the RFCs, and their checksums summed from scratch: what the datapath's arithmetic is held against.
import assert from 'node:assert/strict'

export const ETH_LEN = 14
export const Protocol = {
  ...{ HOP_BY_HOP: 0, ICMP: 1, IPIP: 4, TCP: 6, UDP: 17, IPV6: 41, ROUTING: 43, FRAGMENT: 44, AH: 51, ICMP6: 58 },
  ...{ OPTIONS: 60, SCTP: 132 },
}
export const EtherType = { IPV4: 0x0800, ARP: 0x0806, VLAN: 0x8100, IPV6: 0x86dd }
export const Flags = { DF: 0x4000, MF: 0x2000 }
export const Icmp = {
  ECHO: 8,
  UNREACHABLE: 3,
  SOURCE_QUENCH: 4,
  TIME_EXCEEDED: 11,
  HOST: 1,
  PORT: 3,
  FRAG_NEEDED: 4,
}

/** ICMPv6 types and codes (RFC 4443). */
export const Icmp6 = { UNREACHABLE: 1, TOO_BIG: 2, TIME_EXCEEDED: 3, ECHO: 128, ADDRESS: 3, PORT: 4 }

const tcpBits = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 }

/** Is an address of IPv6? @param {string} text */
export const isIpv6 = (text) => text.includes(':')
/** @param {string} text dotted, or IPv6 */
export const address = (text) => (isIpv6(text) ? address6(text) : Buffer.from(text.split('.').map(Number)))
/** @param {Uint8Array} bytes */
export const dotted = (bytes) =>
  bytes.length === 16
    ? Buffer.from(bytes)
        .toString('hex')
        .replace(/(.{4})(?!$)/g, '$1:')
    : [...bytes].join('.')

function address6(text) {
  const [head, tail] = text.split('::').map((half) => half.split(':').filter(Boolean))
  const zeros = tail ? Array(8 - head.length - tail.length).fill('0') : []
  return Buffer.from([...head, ...zeros, ...(tail ?? [])].map((group) => group.padStart(4, '0')).join(''), 'hex')
}
/** @param {string} text colons */
const mac = (text) => Buffer.from(text.split(':').map((byte) => Number.parseInt(byte, 16)))

/**
 * RFC 1071: the complement of the one's complement sum of 16-bit words, an odd last byte padded with zero.
 * Over data that holds its right checksum it is 0.
 * @param {...Uint8Array} parts each of an even length, but the last
 */
export function internetChecksum(...parts) {
  let sum = 0
  const data = Buffer.concat(parts)
  for (let i = 0; i < data.length; i += 2) sum += (data[i] << 8) | (data[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

/** RFC 9293 section 3.1, RFC 768; RFC 8200 section 8.1. */
function pseudoHeader(source, destination, protocol, length) {
  if (isIpv6(source)) {
    const rest = Buffer.alloc(8)
    rest.writeUInt32BE(length, 0)
    rest[7] = protocol
    return Buffer.concat([address(source), address(destination), rest])
  }
  return Buffer.concat([address(source), address(destination), Buffer.from([0, protocol, length >> 8, length & 0xff])])
}

/**
 * An IPv4 packet. `payload` is what follows the header; `length`, `version`, `ihl` and `checksum` lie about it on purpose.
 * `fragment` is the field of flags and offset.
 */
export function ipv4({
  source,
  destination,
  protocol,
  payload,
  ttl = 64,
  tos = 0,
  id = 0x1234,
  fragment = 0,
  ...rest
}) {
  const options = rest.options ?? Buffer.alloc(0)
  assert.equal(options.length % 4, 0)
  const header = Buffer.alloc(20)
  header[0] = ((rest.version ?? 4) << 4) | (rest.ihl ?? 5 + options.length / 4)
  header[1] = tos
  header.writeUInt16BE(rest.length ?? 20 + options.length + payload.length, 2)
  header.writeUInt16BE(id, 4)
  header.writeUInt16BE(fragment, 6)
  header[8] = ttl
  header[9] = protocol
  address(source).copy(header, 12)
  address(destination).copy(header, 16)
  header.writeUInt16BE(rest.checksum ?? internetChecksum(header, options), 10)
  return Buffer.concat([header, options, payload])
}

/**
 * An IPv6 packet. `extensions` are headers `[kind, bytes]` between the header and the payload, each with a first byte that
 * is filled in; `length` and `version` lie on purpose.
 */
export function ipv6({
  source,
  destination,
  protocol,
  payload,
  ttl = 64,
  tos = 0,
  label = 0,
  extensions = [],
  ...rest
}) {
  const kinds = [...extensions.map(([kind]) => kind), protocol]
  const headers = extensions.map(([, header], i) => {
    const bytes = Buffer.from(header)
    assert.equal(bytes.length % 4, 0)
    bytes[0] = kinds[i + 1]
    return bytes
  })
  const body = Buffer.concat([...headers, payload])
  const header = Buffer.alloc(40)
  header.writeUInt32BE((rest.version ?? 6) * 2 ** 28 + tos * 2 ** 20 + label, 0)
  header.writeUInt16BE(rest.length ?? body.length, 4)
  header[6] = kinds[0]
  header[7] = ttl
  address(source).copy(header, 8)
  address(destination).copy(header, 24)
  return Buffer.concat([header, body])
}

/** A fragment header (RFC 8200 section 4.5) among `extensions`; `offset` in bytes. */
export function fragmentHeader({ offset = 0, more = false, id }) {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(offset | (more ? 1 : 0), 2)
  header.writeUInt32BE(id, 4)
  return [Protocol.FRAGMENT, header]
}

/** A TCP segment. `flags` is a list such as 'syn ack'. */
export function tcp({ source, destination, sport, dport, flags, payload = Buffer.alloc(0), ...rest }) {
  const options = rest.options ?? Buffer.alloc(0)
  const header = Buffer.alloc(20)
  header.writeUInt16BE(sport, 0)
  header.writeUInt16BE(dport, 2)
  header.writeUInt32BE(rest.seq ?? 0x01020304, 4)
  header.writeUInt32BE(rest.ack ?? 0, 8)
  header[12] = (5 + options.length / 4) << 4
  for (const flag of flags.split(' ').filter(Boolean)) header[13] |= tcpBits[flag]
  header.writeUInt16BE(rest.window ?? 64240, 14)
  const segment = Buffer.concat([header, options, payload])
  const sum = internetChecksum(pseudoHeader(source, destination, Protocol.TCP, segment.length), segment)
  segment.writeUInt16BE(rest.checksum ?? sum, 16)
  return segment
}

/** A UDP datagram; `checksum: 0` is a datagram without one. */
export function udp({ source, destination, sport, dport, payload = Buffer.alloc(0), checksum }) {
  const datagram = Buffer.alloc(8 + payload.length)
  datagram.writeUInt16BE(sport, 0)
  datagram.writeUInt16BE(dport, 2)
  datagram.writeUInt16BE(datagram.length, 4)
  payload.copy(datagram, 8)
  const sum = internetChecksum(pseudoHeader(source, destination, Protocol.UDP, datagram.length), datagram)
  datagram.writeUInt16BE(checksum ?? (sum || 0xffff), 6)
  return datagram
}

/** SCTP's chunks by name (RFC 9260 section 3.2). */
export const Chunk = {
  ...{ DATA: 0, INIT: 1, INIT_ACK: 2, SACK: 3, HEARTBEAT: 4, HEARTBEAT_ACK: 5, ABORT: 6, SHUTDOWN: 7, SHUTDOWN_ACK: 8 },
  ...{ ERROR: 9, COOKIE_ECHO: 10, COOKIE_ACK: 11, SHUTDOWN_COMPLETE: 14, AUTH: 15, ASCONF: 0xc1 },
}

/** CRC32c, bit by bit (RFC 9260 appendix A). */
export function crc32c(data) {
  let crc = 0xffffffff
  for (const byte of data) {
    crc ^= byte
    for (let i = 0; i < 8; i += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}

/** An SCTP packet. `chunks` are names, or `[name, value]`. `checksum: 0` is one left to the device. */
export function sctp({ sport, dport, chunks, tag = 0x11223344, checksum }) {
  const parts = chunks.map((chunk) => {
    const [name, value = bytes(16)] = Array.isArray(chunk) ? chunk : [chunk]
    const data = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4)
    data[0] = Chunk[name]
    data.writeUInt16BE(4 + value.length, 2)
    value.copy(data, 4)
    return data
  })
  const header = Buffer.alloc(12)
  header.writeUInt16BE(sport, 0)
  header.writeUInt16BE(dport, 2)
  header.writeUInt32BE(tag, 4)
  const packet = Buffer.concat([header, ...parts])
  packet.writeUInt32LE(checksum ?? crc32c(packet), 8)
  return packet
}

/** An ICMP message; `info` is the header's second word. */
export function icmp({ type, code, info = 0, payload, checksum }) {
  const header = Buffer.alloc(8)
  header[0] = type
  header[1] = code
  header.writeUInt32BE(info, 4)
  header.writeUInt16BE(checksum ?? internetChecksum(header, payload), 2)
  return Buffer.concat([header, payload])
}

/** An ICMPv6 message, whose checksum covers the addresses. */
export function icmp6({ source, destination, type, code, info = 0, payload, checksum }) {
  const message = icmp({ type, code, info, payload, checksum: 0 })
  const sum = internetChecksum(pseudoHeader(source, destination, Protocol.ICMP6, message.length), message)
  message.writeUInt16BE(checksum ?? sum, 2)
  return message
}

/** The EtherType that a packet's version asks for. */
const typeOf = (packet) => (packet[0] >> 4 === 6 ? EtherType.IPV6 : EtherType.IPV4)

/** An Ethernet frame; `padding`: bytes that follow the packet. */
export function frame({ to, from, type, packet, padding = 0 }) {
  const tag = type ?? typeOf(packet)
  const header = Buffer.concat([mac(to), mac(from), Buffer.from([tag >> 8, tag & 0xff])])
  return Buffer.concat([header, packet, Buffer.alloc(padding)])
}

/** @param {number} length @param {number} [seed] bytes that differ from each other, the same each time */
export function bytes(length, seed = 1) {
  const data = Buffer.alloc(length)
  let x = seed >>> 0 || 1
  for (let i = 0; i < length; i += 1) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    data[i] = x >>> 24
  }
  return data
}

/** What a frame says, for messages. */
export function describe(data) {
  if (data.length < ETH_LEN) return `${data.length} bytes`
  const colons = (from) => [...data.subarray(from, from + 6)].map((b) => b.toString(16).padStart(2, '0')).join(':')
  const type = data.readUInt16BE(12)
  const ip = type === EtherType.IPV4 || type === EtherType.IPV6
  return `${colons(6)} > ${colons(0)} ${type.toString(16)} ${ip ? describeIp(data.subarray(ETH_LEN)) : ''}`
}

function describeIp6(packet) {
  if (packet.length < 40) return `${packet.length} bytes of IPv6`
  const payload = packet.subarray(40)
  const head =
    `${dotted(packet.subarray(8, 24))} > ${dotted(packet.subarray(24, 40))} next ${packet[6]} hops ${packet[7]} ` +
    `class and label ${(packet.readUInt32BE(0) & 0xfffffff).toString(16)} len ${packet.readUInt16BE(4)}`
  if (packet[6] === Protocol.IPIP || packet[6] === Protocol.IPV6) return `${head} [${describeIp(payload)}]`
  if (packet[6] === Protocol.ICMP6 && payload.length >= 8)
    return `${head} icmp6 ${payload[0]}/${payload[1]} info ${payload.readUInt32BE(4)} [${describeIp(payload.subarray(8))}]`
  return `${head} ${payload.subarray(0, 20).toString('hex')}`
}

function describeIp(packet) {
  if (packet[0] >> 4 === 6) return describeIp6(packet)
  if (packet.length < 20) return `${packet.length} bytes of IP`
  const ihl = (packet[0] & 15) * 4
  const payload = packet.subarray(ihl)
  const sum = internetChecksum(packet.subarray(0, ihl)) === 0 ? 'ok' : 'WRONG'
  const fragment = packet.readUInt16BE(6)
  const head =
    `${dotted(packet.subarray(12, 16))} > ${dotted(packet.subarray(16, 20))} proto ${packet[9]} ttl ${packet[8]} ` +
    `tos ${packet[1]} len ${packet.readUInt16BE(2)} id ${packet.readUInt16BE(4)} frag ${fragment.toString(16)} sum ${sum}`
  if (fragment & 0x1fff) return head
  if (packet[9] === Protocol.IPIP || packet[9] === Protocol.IPV6) return `${head} [${describeIp(payload)}]`
  if ((packet[9] === Protocol.TCP || packet[9] === Protocol.UDP) && payload.length >= 4)
    return `${head} ${payload.readUInt16BE(0)} > ${payload.readUInt16BE(2)} sum ${payload
      .subarray(packet[9] === 6 ? 16 : 6)
      .subarray(0, 2)
      .toString('hex')}`
  if (packet[9] === Protocol.ICMP && payload.length >= 8)
    return `${head} icmp ${payload[0]}/${payload[1]} info ${payload.readUInt32BE(4)} sum ${
      internetChecksum(payload) === 0 ? 'ok' : 'WRONG'
    } [${describeIp(payload.subarray(8))}]`
  return head
}

/** Two frames are the same, byte for byte. */
export function assertFrame(actual, expected, message = 'the frame') {
  const [got, wanted] = [Buffer.from(actual), Buffer.from(expected)]
  if (got.equals(wanted)) return
  let at = 0
  while (at < got.length && at < wanted.length && got[at] === wanted[at]) at += 1
  assert.fail(
    [
      `${message} differs at byte ${at} (lengths ${got.length}, expected ${wanted.length})`,
      `  got:      ${describe(got)}`,
      `  expected: ${describe(wanted)}`,
      `  got:      ${got.toString('hex')}`,
      `  expected: ${wanted.toString('hex')}`,
    ].join('\n'),
  )
}
