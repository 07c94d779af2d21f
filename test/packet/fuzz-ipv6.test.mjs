// Mutated IPv6 packets through the program, as fuzz.test.mjs has those of IPv4: what passes is untouched; what NAT forwards
// goes between this table's clients and servers with the same bytes and a checksum as right as it was; others' connections
// keep their servers, and counts stay exact.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { arrives, Bench, freshPort, icmpError, Mac, networks, packet } from '../lib/bench.mjs'
import { fuzz, PACKETS, Standing } from '../lib/fuzz.mjs'
import { address, bytes, ETH_LEN, Icmp6, internetChecksum, Protocol } from '../lib/packet.mjs'

const net = networks[1]
const { VIP, CLIENT, ROUTER, SERVER, SERVER2 } = net
/** A client behind the router, of whom no mutated packet is. */
const GUARD = '2001:db8::77'
const IP6_LEN = 40

const services = [
  { service: { port: 80, address: VIP }, servers: [{ address: SERVER }, { address: SERVER2 }] },
  { service: { port: 81, address: VIP }, servers: [{ address: SERVER, method: 'route' }] },
  { service: { port: 82, address: VIP }, servers: [{ address: SERVER, method: 'tunnel' }] },
  {
    service: { protocol: 'udp', port: 53, address: VIP },
    servers: [
      { address: SERVER, port: 5353 },
      { address: SERVER2, port: 5353 },
    ],
  },
  { service: { protocol: 'udp', port: 55, address: VIP }, servers: [{ address: SERVER, method: 'tunnel' }] },
]

/** @type {Bench} */
let bench
/** @type {Standing} */
let standing
const corpus = []

before(() => {
  bench = new Bench()
  bench.net = net
  standing = new Standing(bench, GUARD)
  for (const { service, servers } of services) {
    const key = bench.serve(service, ...servers)
    for (let i = 0; i < 3; i += 1) {
      standing.add(key, service)
      suffer(service, servers)
    }
  }
})
after(() => bench?.close())

function suffer({ protocol = 'tcp', port }, [{ method }]) {
  const sport = freshPort()
  const ends = { protocol, source: CLIENT, destination: VIP, sport, dport: port }
  const add = (data, host = CLIENT, device = 'eth0') => corpus.push({ frame: arrives(host, device, data), device })
  bench.send(arrives(CLIENT, 'eth0', packet(ends)))
  const { server } = bench.connection(sport)
  add(packet({ ...ends, flags: 'psh ack', payload: bytes(64, sport) }))
  for (const flags of protocol === 'tcp' ? ['fin ack', 'rst', 'syn'] : []) add(packet({ ...ends, flags }))
  add(packet({ ...ends, sport: freshPort(), ...net.options }))
  add(packet({ ...ends, sport: freshPort(), ...net.moreOptions }))
  add(packet({ ...ends, sport: freshPort(), payload: bytes(1400) }))
  const answer = packet({ ...ends, source: VIP, destination: CLIENT, sport: port, dport: sport, payload: bytes(40) })
  for (const error of [
    { type: Icmp6.UNREACHABLE, code: Icmp6.PORT },
    { type: Icmp6.TOO_BIG, code: 0, info: 1300 },
    { type: Icmp6.TIME_EXCEEDED, code: 0 },
  ])
    add(icmpError({ source: ROUTER, destination: VIP, ...error, quote: answer.subarray(0, 88) }))
  if (method) return
  const back = { protocol, source: server.address, destination: CLIENT, sport: server.port, dport: sport }
  add(packet({ ...back, flags: 'ack', payload: bytes(50, sport) }), server.address, 'eth1')
  const asked = packet({ ...ends, destination: server.address, dport: server.port, payload: bytes(40) })
  const error = { source: server.address, destination: CLIENT, type: Icmp6.UNREACHABLE, code: Icmp6.PORT }
  add(icmpError({ ...error, quote: asked.subarray(0, 88) }), server.address, 'eth1')
}

/** The checksums of a mutated packet made right, where a transport header follows at once. */
function mend(data) {
  const packet = data.subarray(ETH_LEN)
  const place = { [Protocol.TCP]: 16, [Protocol.UDP]: 6, [Protocol.ICMP6]: 2 }[packet[6]]
  const rest = packet.subarray(IP6_LEN, IP6_LEN + packet.readUInt16BE(4))
  if (place === undefined || packet.readUInt16BE(4) > packet.length - IP6_LEN || rest.length < place + 2) return data
  rest.writeUInt16BE(0, place)
  rest.writeUInt16BE(internetChecksum(pseudo(packet, rest), rest) || 0xffff, place)
  return data
}

function pseudo(header, rest) {
  const end = Buffer.alloc(8)
  end.writeUInt32BE(rest.length, 0)
  end[7] = header[6]
  return Buffer.concat([header.subarray(8, 40), end])
}

/** What an IPv6 frame without extension headers says. */
function read(frame) {
  if (frame.length < ETH_LEN + IP6_LEN || frame.readUInt16BE(12) !== 0x86dd) return undefined
  const ip = frame.subarray(ETH_LEN)
  const length = ip.readUInt16BE(4) || ip.length - IP6_LEN
  if (ip[0] >> 4 !== 6 || IP6_LEN + length > ip.length) return undefined
  const rest = ip.subarray(IP6_LEN, IP6_LEN + length)
  return { ip, rest, next: ip[6], hops: ip[7], source: ip.subarray(8, 24), destination: ip.subarray(24, 40) }
}

const is = (bytes16, text) => bytes16.equals(address(text))

function isForeign(frame, device) {
  // a frame of IPv4 is judged by the other fuzz
  if (frame.readUInt16BE(12) === 0x0800) return false
  if (frame.subarray(0, 6).toString('hex') !== Mac[device].replaceAll(':', '')) return true
  const ip = read(frame)
  if (!ip) return true
  if (ip.next !== Protocol.TCP && ip.next !== Protocol.UDP) return false
  return !is(ip.destination, VIP) && !is(ip.source, SERVER) && !is(ip.source, SERVER2)
}

/** NAT of a packet without extension headers. What a tunnel or an ICMP error does to it is for their own tests. */
function assertForwarded(came, left) {
  const [a, b] = [read(came), read(left)]
  assert.ok(a, 'what is no packet is not forwarded')
  assert.ok(b, 'what leaves is a packet')
  if (a.next !== b.next || (a.next !== Protocol.TCP && a.next !== Protocol.UDP)) return
  // whom no route leads to may be on the director itself: that is no hop
  const toSelf = left.subarray(0, 12).equals(Buffer.alloc(12))
  assert.equal(b.hops, toSelf ? a.hops : a.hops - 1, 'one hop')
  assert.equal(b.rest.length, a.rest.length)
  const direct = b.source.equals(a.source) && b.destination.equals(a.destination)
  if (direct) return assert.ok(b.rest.equals(a.rest), 'direct routing changes nothing inside')
  const toServer = b.source.equals(a.source) && (is(b.destination, SERVER) || is(b.destination, SERVER2))
  const toClient = b.destination.equals(a.destination) && is(b.source, VIP)
  assert.ok(toServer || toClient, 'between a client and a server')
  const place = a.next === Protocol.TCP ? 16 : 6
  const right = ({ ip, rest }) => internetChecksum(pseudo(ip, rest), rest) === 0
  if (a.rest.readUInt16BE(place) !== 0) assert.equal(right(b), right(a), 'the checksum is as right as it was')
  const bare = ({ rest }) => Buffer.concat([rest.subarray(4, place), rest.subarray(place + 2)])
  assert.ok(bare(b).equals(bare(a)), 'only ports and checksum change')
}

/** Long enough for a header, and most often with the checksums made right. */
function finish(data, rand) {
  const whole = data.length < ETH_LEN + IP6_LEN ? Buffer.concat([data, Buffer.alloc(IP6_LEN)]) : data
  if (rand(4) > 0) mend(whole)
  return whole
}

test(`${PACKETS} mutated packets`, (t) => fuzz(t, bench, corpus, { standing, finish, isForeign, assertForwarded }))
