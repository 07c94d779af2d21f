// Mutated packets through the program. Foreign ones pass with no byte changed; what is forwarded is well-formed, goes to a
// server or a client of this table, and carries what came in; connections keep their servers, and counts stay exact.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  arrives,
  Bench,
  CLIENT,
  CLIENT_FAR,
  DIRECTOR,
  freshPort,
  icmpError,
  leaves,
  Mac,
  packet,
  ROUTER,
  SERVER,
  SERVER_NARROW,
  SERVER2,
  VIP,
} from '../lib/bench.mjs'
import { fuzz, PACKETS, Standing } from '../lib/fuzz.mjs'
import { bytes, dotted, ETH_LEN, Icmp, internetChecksum, Protocol } from '../lib/packet.mjs'

/** Services: every forwarding method, both protocols, a small MTU, and one whose servers are all quiesced. */
const services = [
  { service: { port: 80 }, servers: [{}, { address: SERVER2 }] },
  { service: { port: 81 }, servers: [{ method: 'route' }, { address: SERVER2, method: 'route' }] },
  { service: { port: 82 }, servers: [{ method: 'tunnel' }, { address: SERVER2, method: 'tunnel' }] },
  { service: { port: 83 }, servers: [{ address: SERVER_NARROW, port: 8083 }] },
  { service: { port: 84 }, servers: [{ weight: 0 }] },
  { service: { port: 85 }, servers: [{ address: SERVER_NARROW, method: 'tunnel' }] },
  { service: { protocol: 'udp', port: 53 }, servers: [{ port: 5353 }, { address: SERVER2, port: 5353 }] },
  { service: { protocol: 'udp', port: 54 }, servers: [{ method: 'route' }] },
  { service: { protocol: 'udp', port: 55 }, servers: [{ method: 'tunnel' }, { address: SERVER2, method: 'tunnel' }] },
]
/** A client behind the router. */
const GUARD = '203.0.113.77'
const servers = new Set([SERVER, SERVER2, SERVER_NARROW])

/** @type {Bench} */
let bench
/** @type {Standing} */
let standing
/** Frames to mutate, with the device by which each comes. */
const corpus = []

before(() => {
  bench = new Bench()
  standing = new Standing(bench, GUARD)
  const keys = services.map(({ service, servers: list }) => bench.serve(service, ...list))
  for (const [n, { service, servers: list }] of services.entries()) {
    if (list[0].weight === 0) continue
    for (let i = 0; i < 3; i += 1) {
      standing.add(keys[n], service)
      suffer(service, list)
    }
  }
  for (const { service } of services) begin(service)
})
after(() => bench?.close())

/** Makes a connection whose packets are mutated. */
function suffer({ protocol = 'tcp', port }, list) {
  const sport = freshPort()
  const ends = { protocol, source: CLIENT, destination: VIP, sport, dport: port }
  bench.send(arrives(CLIENT, 'eth0', packet(ends)))
  if (protocol === 'tcp') bench.send(arrives(CLIENT, 'eth0', packet({ ...ends, flags: 'ack' })))
  const { server } = bench.connection(sport)
  const question = arrives(CLIENT, 'eth0', packet({ ...ends, flags: 'psh ack', payload: bytes(64, sport) }))
  corpus.push({ frame: question, device: 'eth0' })
  for (const flags of protocol === 'tcp' ? ['fin ack', 'rst', 'syn', 'syn ack'] : [])
    corpus.push({ frame: arrives(CLIENT, 'eth0', packet({ ...ends, flags })), device: 'eth0' })
  const quoted = (source, more) =>
    icmpError({ source, destination: VIP, type: Icmp.UNREACHABLE, code: Icmp.PORT, ...more })
  // the client, or a router before it, about the answer that it got
  const answer = packet({ ...ends, source: VIP, destination: CLIENT, sport: port, dport: sport, payload: bytes(40) })
  for (const error of [{}, { type: Icmp.TIME_EXCEEDED, code: 0 }, { code: Icmp.FRAG_NEEDED, info: 1300 }])
    corpus.push({
      frame: arrives(CLIENT, 'eth0', quoted(ROUTER, { ...error, quote: answer.subarray(0, 48) })),
      device: 'eth0',
    })
  if (list[0].method) return
  const back = { protocol, source: server.address, destination: CLIENT, sport: server.port, dport: sport }
  const device = server.address === SERVER_NARROW ? 'eth2' : 'eth1'
  const reply = packet({ ...back, flags: 'ack', payload: bytes(50, sport) })
  corpus.push({ frame: arrives(server.address, device, reply), device })
  const asked = packet({ ...ends, destination: server.address, dport: server.port, payload: bytes(40) })
  const error = icmpError({
    ...{ source: server.address, destination: CLIENT, type: Icmp.UNREACHABLE, code: Icmp.PORT },
    quote: asked.subarray(0, 48),
  })
  corpus.push({ frame: arrives(server.address, device, error), device })
}

/** Packets that begin connections, fragments, big ones, and what is nobody's. */
function begin({ protocol = 'tcp', port }) {
  const ends = (more) => ({ protocol, source: CLIENT, destination: VIP, sport: freshPort(), dport: port, ...more })
  for (const more of [
    {},
    { source: CLIENT_FAR },
    { ttl: 1 },
    { payload: bytes(1390), fragment: 0x4000 },
    { payload: bytes(1400) },
    { options: Buffer.from([7, 7, 4, 0, 0, 0, 0, 0]) },
    { fragment: 0x2000, payload: bytes(64) },
    { destination: '198.18.0.1' },
    { destination: SERVER },
    { dport: 9 },
  ])
    corpus.push({ frame: arrives(CLIENT, 'eth0', packet(ends(more))), device: 'eth0' })
}

/** What an IPv4 frame says, as far as it is one. */
function read(frame, gso = false) {
  if (frame.length < ETH_LEN + 20 || frame.readUInt16BE(12) !== 0x0800) return undefined
  const ip = frame.subarray(ETH_LEN)
  const ihl = (ip[0] & 15) * 4
  // segments that go together may be more than 64 KiB, and then say 0
  const length = ip.readUInt16BE(2) || (gso ? ip.length : 0)
  if (ip[0] >> 4 !== 4 || ihl < 20 || length < ihl || length > ip.length) return undefined
  const rest = ip.subarray(ihl, length)
  return {
    ...{
      ihl,
      ttl: ip[8],
      protocol: ip[9],
      source: dotted(ip.subarray(12, 16)),
      destination: dotted(ip.subarray(16, 20)),
    },
    ...{ header: ip.subarray(0, ihl), rest, whole: (ip.readUInt16BE(6) & 0x3fff) === 0 },
    first: (ip.readUInt16BE(6) & 0x1fff) === 0,
    headerRight: internetChecksum(ip.subarray(0, ihl)) === 0,
  }
}

/** A transport's checksum, or undefined where there is none to judge. */
function transportRight({ protocol, header, rest, whole }) {
  if (!whole) return undefined
  if (protocol === Protocol.ICMP) return rest.length >= 8 ? internetChecksum(rest) === 0 : undefined
  if (protocol !== Protocol.TCP && protocol !== Protocol.UDP) return undefined
  if (rest.length < (protocol === Protocol.TCP ? 20 : 8)) return undefined
  if (protocol === Protocol.UDP && rest.readUInt16BE(6) === 0) return undefined
  const pseudo = Buffer.concat([
    header.subarray(12, 20),
    Buffer.from([0, protocol, rest.length >> 8, rest.length & 255]),
  ])
  return internetChecksum(pseudo, rest) === 0
}

/** Nobody could take this frame for one of ours: it is for another host, no IPv4, or between others. */
function isForeign(frame, device, gso) {
  if (frame.subarray(0, 6).toString('hex') !== Mac[device].replaceAll(':', '')) return true
  const ip = read(frame, gso)
  if (!ip) return true
  if (![Protocol.ICMP, Protocol.TCP, Protocol.UDP].includes(ip.protocol)) return true
  // of ICMP only errors that quote something can be ours, and what they quote decides, not whom they are for
  if (ip.protocol === Protocol.ICMP) {
    const quoted = 8 + ((ip.rest[8] ?? 0) & 15) * 4 + 4
    return ip.rest.length < Math.max(quoted, 32) || ![3, 4, 11].includes(ip.rest[0])
  }
  if (ip.destination !== VIP && !servers.has(ip.source)) return true
  if (!ip.first || ip.destination !== VIP || ip.rest.length < 4) return false
  const name = ip.protocol === Protocol.TCP ? 'tcp' : 'udp'
  return !services.some(
    ({ service }) => service.port === ip.rest.readUInt16BE(2) && (service.protocol ?? 'tcp') === name,
  )
}

/** What leaves: well-formed where what came was, to somebody of ours, with the same bytes in it. */
function assertForwarded(came, left) {
  const a = read(came, true)
  const b = read(left, true)
  assert.ok(a, 'what is no packet is not forwarded')
  assert.ok(b, 'what leaves is a packet')
  if (b.source !== a.source && b.protocol === Protocol.ICMP && a.protocol !== Protocol.ICMP) {
    // the director's own error about it
    assert.equal(b.destination, a.source)
    assert.ok(b.headerRight && transportRight(b), 'an error of our own is right')
    const quote = b.rest.subarray(8)
    assert.ok(a.header.subarray(0, 2).equals(quote.subarray(0, 2)), 'it quotes the packet')
    return
  }
  if (b.protocol === Protocol.IPIP && a.protocol !== Protocol.IPIP) {
    assert.ok(b.headerRight, 'the outer header')
    assert.ok(servers.has(b.destination), `a tunnel to ${b.destination}`)
    const inner = Buffer.from(came.subarray(ETH_LEN, ETH_LEN + a.ihl + a.rest.length))
    const carried = Buffer.from(b.rest.subarray(0, inner.length))
    assert.ok(carried.subarray(a.ihl).equals(inner.subarray(a.ihl)), 'the tunnel carries the same bytes')
    return
  }
  assert.equal(b.headerRight, a.headerRight, 'the header’s checksum is as right as it was')
  assert.equal(b.rest.length, a.rest.length)
  assert.equal(b.protocol, a.protocol)
  // whom no route leads to may be on the director itself: that is no hop
  const toSelf = left.subarray(0, 12).equals(Buffer.alloc(12))
  assert.equal(b.ttl, toSelf ? a.ttl : a.ttl - 1, 'one hop')
  if (a.protocol !== Protocol.ICMP)
    assert.equal(transportRight(b), transportRight(a), 'the transport’s checksum is as right as it was')
  else if (transportRight(a)) assert.ok(transportRight(b), 'an ICMP error stays right')
  const direct = b.destination === a.destination && b.source === a.source
  // an error that came to the server's own address is about NAT all the same
  const aboutNat = a.protocol === Protocol.ICMP && servers.has(b.destination)
  if (direct && !aboutNat) return assert.ok(b.rest.equals(a.rest), 'direct routing changes nothing inside')
  const toServer = b.source === a.source && servers.has(b.destination)
  const toClient = b.destination === a.destination && b.source === VIP
  assert.ok(toServer || toClient, `from ${b.source} to ${b.destination}`)
  if (a.protocol === Protocol.ICMP) return
  const ports = a.first ? 4 : 0
  assert.ok(withoutSum(b).subarray(ports).equals(withoutSum(a).subarray(ports)), 'only ports and checksum change')
}

function withoutSum({ protocol, rest, first }) {
  const copy = Buffer.from(rest)
  const place = protocol === Protocol.TCP ? 16 : 6
  if (first && copy.length >= place + 2) copy.writeUInt16BE(0, place)
  return copy
}

test(`${PACKETS} mutated packets`, (t) => fuzz(t, bench, corpus, { standing, isForeign, assertForwarded }))

test('the judge of this file knows a right packet from a wrong one', () => {
  const ends = { source: CLIENT, destination: VIP, sport: 9, dport: 80, payload: bytes(20) }
  const came = arrives(CLIENT, 'eth0', packet({ ...ends, ttl: 64 }))
  const good = leaves('eth1', SERVER, packet({ ...ends, destination: SERVER, ttl: 63 }))
  assertForwarded(came, good)
  for (const place of [ETH_LEN + 9, ETH_LEN + 18, ETH_LEN + 36, good.length - 1]) {
    const bad = Buffer.from(good)
    bad[place] ^= 1
    assert.throws(() => assertForwarded(came, bad), `byte ${place}`)
  }
  assert.ok(isForeign(arrives(CLIENT, 'eth0', packet({ ...ends, destination: DIRECTOR })), 'eth0'))
  assert.ok(!isForeign(came, 'eth0'))
})
