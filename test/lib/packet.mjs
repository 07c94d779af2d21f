// Packets written out from the RFCs, and their checksums summed from scratch: what the datapath's arithmetic is held against.
import assert from 'node:assert/strict'

export const ETH_LEN = 14
export const Protocol = { ICMP: 1, IPIP: 4, TCP: 6, UDP: 17, SCTP: 132 }
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

const tcpBits = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 }

/** @param {string} text dotted */
export const address = (text) => Buffer.from(text.split('.').map(Number))
/** @param {Uint8Array} bytes */
export const dotted = (bytes) => [...bytes].join('.')
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

/** RFC 9293 section 3.1, RFC 768. */
function pseudoHeader(source, destination, protocol, length) {
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

/** An ICMP message; `info` is the header's second word. */
export function icmp({ type, code, info = 0, payload, checksum }) {
  const header = Buffer.alloc(8)
  header[0] = type
  header[1] = code
  header.writeUInt32BE(info, 4)
  header.writeUInt16BE(checksum ?? internetChecksum(header, payload), 2)
  return Buffer.concat([header, payload])
}

/** An Ethernet frame; `padding`: bytes that follow the packet. */
export function frame({ to, from, type = EtherType.IPV4, packet, padding = 0 }) {
  const header = Buffer.concat([mac(to), mac(from), Buffer.from([type >> 8, type & 0xff])])
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
  return `${colons(6)} > ${colons(0)} ${type === EtherType.IPV4 ? describeIp(data.subarray(ETH_LEN)) : type.toString(16)}`
}

function describeIp(packet) {
  if (packet.length < 20) return `${packet.length} bytes of IP`
  const ihl = (packet[0] & 15) * 4
  const payload = packet.subarray(ihl)
  const sum = internetChecksum(packet.subarray(0, ihl)) === 0 ? 'ok' : 'WRONG'
  const fragment = packet.readUInt16BE(6)
  const head =
    `${dotted(packet.subarray(12, 16))} > ${dotted(packet.subarray(16, 20))} proto ${packet[9]} ttl ${packet[8]} ` +
    `tos ${packet[1]} len ${packet.readUInt16BE(2)} id ${packet.readUInt16BE(4)} frag ${fragment.toString(16)} sum ${sum}`
  if (fragment & 0x1fff) return head
  if (packet[9] === Protocol.IPIP) return `${head} [${describeIp(payload)}]`
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
