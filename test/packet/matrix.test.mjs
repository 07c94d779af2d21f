// Every forwarding method with every protocol and family: requests, replies, fragments and ICMP errors, each compared whole
// with what the RFCs make of it, checksums summed from scratch.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { arrives, Bench, freshPort, icmpError, leaves, networks, packet, Verdict } from '../lib/bench.mjs'
import {
  assertFrame,
  bytes,
  ETH_LEN,
  Flags,
  fragmentHeader,
  Icmp,
  Icmp6,
  ipv4,
  ipv6,
  isIpv6,
  Protocol,
} from '../lib/packet.mjs'
import { chances, tunnelKinds, wrapped } from '../lib/tunnel.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const protocols = ['tcp', 'udp', 'sctp']
/** Where a protocol has its checksum. */
const checksums = { tcp: [16, 18], udp: [6, 8], sctp: [8, 12] }
/** What opens a connection, and what follows. */
const first = { tcp: { flags: 'syn' }, udp: {}, sctp: { chunks: [['INIT', bytes(16)]] } }
const then = { tcp: { flags: 'ack psh' }, udp: {}, sctp: {} }

/**
 * A way to the real server. `request(sent, out)` is the frame by which a client's packet leaves, and `atServer(sent, out)`
 * the packet as the server knows it: `sent` is what packet() takes, `out` a frame that left, for what is chance in it.
 */
function methods(net) {
  const older = (sent) => ({ ...sent, ttl: (sent.ttl ?? 64) - 1 })
  const nat = (port, source) => ({
    server: { method: source ? 'fullnat' : 'masq', port },
    ...(source ? { service: { localAddresses: [source] } } : {}),
    rewrites: true,
    movesPort: source !== undefined || port !== undefined,
    atServer: (sent, local) => ({
      ...older(sent),
      destination: net.SERVER,
      ...(port ? { dport: port } : {}),
      ...(source ? { source, sport: local } : {}),
    }),
    leaves: (data) => leaves('eth1', net.SERVER, data),
  })
  const all = {
    'NAT, the same port': nat(),
    'NAT, another port': nat(8080),
    'full NAT': nat(8080, net.DIRECTOR),
    'direct routing': {
      server: { method: 'route' },
      atServer: older,
      leaves: (data) => leaves('eth1', net.SERVER, data),
    },
    'local node': { server: { method: 'route', address: net.DIRECTOR }, stays: true },
  }
  for (const outside of networks)
    for (const [name, { tunnel }] of Object.entries(tunnelKinds))
      all[`tunnel ${name} over ${outside.family}`] = {
        server: { method: 'tunnel', address: outside.SERVER, tunnel },
        atServer: older,
        leaves: (data, { frame, sent }) =>
          leaves(
            'eth1',
            outside.SERVER,
            wrapped(tunnel, data, {
              source: outside.DIRECTOR,
              destination: outside.SERVER,
              ttl: (sent.ttl ?? 64) - 1,
              tos: sent.tos ?? 0,
              ...chances(frame, outside),
            }),
          ),
      }
  return all
}

/** The transport part of a packet in two fragments: 32 bytes, and the rest. @returns the fragments' packets */
function fragments(net, { id, ...sent }) {
  const { source, destination, protocol, ttl } = sent
  const transport = packet(sent).subarray(net.header)
  const head = { source, destination, ttl, protocol: Protocol[protocol.toUpperCase()] }
  return [
    [transport.subarray(0, 32), 0, true],
    [transport.subarray(32), 32, false],
  ].map(([payload, offset, more]) =>
    isIpv6(source)
      ? ipv6({ ...head, payload, extensions: [fragmentHeader({ offset, more, id })] })
      : ipv4({ ...head, payload, id, fragment: offset / 8 || (more ? Flags.MF : 0) }),
  )
}

let port = 500
let datagram = 1000

for (const net of networks)
  for (const protocol of protocols)
    for (const [name, method] of Object.entries(methods(net)))
      describe(`${net.family}, ${protocol}, ${name}`, () => {
        const { CLIENT, SERVER, VIP } = net
        const six = net.family === 'IPv6'
        let key
        let request
        /** Full NAT's local port. */
        let local
        before(() => {
          bench.net = net
          port += 1
          const { server, service = {} } = method
          key = bench.serve({ protocol, port, ...service }, { ...server, port: server.port ?? port })
          request = { protocol, source: CLIENT, destination: VIP, sport: freshPort(), dport: port }
        })
        after(() => bench.stop(key))

        const send = (data) => bench.send(arrives(CLIENT, 'eth0', data))

        /** The packet leaves for the server as the method has it. */
        function assertGoes(sent, what) {
          const got = send(packet(sent))
          if (method.stays) {
            assert.equal(got.verdict, Verdict.STACK, what)
            assertFrame(got.frame, arrives(CLIENT, 'eth0', packet(sent)), what)
            return
          }
          assert.equal(got.verdict, Verdict.REDIRECT, what)
          local ??= got.frame.readUInt16BE(ETH_LEN + net.header)
          const expected = packet(method.atServer(sent, local))
          assertFrame(got.frame, method.leaves(expected, { frame: got.frame, sent }), what)
        }

        test('what opens a connection, and what follows, of any length', () => {
          assertGoes({ ...request, ...first[protocol] }, 'the first packet')
          for (let length = 0; length < 70; length += 1) {
            const more = { payload: bytes(length, length + 1), tos: (length * 4) & 0xfc, ttl: 2 + length }
            assertGoes({ ...request, ...then[protocol], ...more }, `${length} bytes`)
          }
          assertGoes({ ...request, ...then[protocol], payload: bytes(1001) }, 'many')
          if (protocol === 'udp' && !six) assertGoes({ ...request, checksum: 0, payload: bytes(21) }, 'no checksum')
        })

        const testRewritten = method.rewrites ? test : () => {}
        testRewritten('replies', () => {
          const { destination, dport, source, sport } = method.atServer(request, local)
          for (let length = 0; length < 70; length += 1) {
            const reply = { protocol, ...then[protocol], payload: bytes(length, length + 3), ttl: 2 + length }
            const sent = { ...reply, source: destination, destination: source, sport: dport, dport: sport }
            const got = bench.send(arrives(SERVER, 'eth1', packet(sent)), { device: 'eth1' })
            assert.equal(got.verdict, Verdict.REDIRECT)
            const back = {
              ...reply,
              source: VIP,
              destination: CLIENT,
              sport: port,
              dport: request.sport,
              ttl: 1 + length,
            }
            assertFrame(got.frame, leaves('eth0', CLIENT, packet(back)), `${length} bytes`)
          }
        })

        test('fragments', () => {
          datagram += 1
          const sent = { ...request, ...then[protocol], payload: bytes(77), id: datagram }
          if (protocol === 'sctp' && method.movesPort) {
            // the checksum of the whole stands in the first one
            const counted = bench.counted(() => assert.equal(send(fragments(net, sent)[0]).verdict, Verdict.DROP))
            assert.deepEqual(counted, { FRAGMENT: 1 })
            return
          }
          const seen = method.stays ? sent : method.atServer(sent, local)
          const expected = fragments(net, { ...seen, id: datagram })
          for (const [i, data] of fragments(net, sent).entries()) {
            const got = send(data)
            if (method.stays) {
              assert.equal(got.verdict, Verdict.STACK)
              assertFrame(got.frame, arrives(CLIENT, 'eth0', data))
              continue
            }
            assert.equal(got.verdict, Verdict.REDIRECT)
            assertFrame(got.frame, method.leaves(expected[i], { frame: got.frame, sent }), `fragment ${i}`)
          }
        })

        /** What is quoted has the checksum that it was seen with. */
        function quote(seen, made) {
          const data = packet(made)
          const [from, to] = checksums[protocol].map((at) => at + net.header)
          packet(seen).copy(data, from, from, to)
          return data
        }
        const about = six ? { type: Icmp6.UNREACHABLE, code: 4 } : { type: Icmp.UNREACHABLE, code: Icmp.PORT }

        test('an ICMP error of the client’s about a reply goes to the server, about what it sent', () => {
          const more = { ...then[protocol], protocol, payload: bytes(40) }
          const seen = { ...more, source: VIP, destination: CLIENT, sport: port, dport: request.sport }
          const error = { ...about, source: CLIENT, destination: VIP, quote: packet(seen) }
          const got = send(icmpError(error))
          if (method.stays) {
            assert.equal(got.verdict, Verdict.STACK)
            assertFrame(got.frame, arrives(CLIENT, 'eth0', icmpError(error)))
            return
          }
          assert.equal(got.verdict, Verdict.REDIRECT)
          const there = method.atServer(request, local)
          const made = method.rewrites
            ? { ...more, source: there.destination, destination: there.source, sport: there.dport, dport: there.sport }
            : seen
          const { source, destination } = method.rewrites ? there : error
          const expected = icmpError({ ...error, source, destination, quote: quote(seen, made), ttl: 63 })
          assertFrame(got.frame, method.leaves(expected, { frame: got.frame, sent: {} }))
        })

        testRewritten('an ICMP error of the server’s goes to the client, about what it sent', () => {
          const more = { ...then[protocol], protocol, payload: bytes(40) }
          const sent = { ...request, ...more }
          const seen = { ...method.atServer(sent, local), ttl: 64 }
          const error = { ...about, source: SERVER, destination: seen.source, quote: packet(seen) }
          const got = bench.send(arrives(SERVER, 'eth1', icmpError(error)), { device: 'eth1' })
          assert.equal(got.verdict, Verdict.REDIRECT)
          const expected = { ...about, source: VIP, destination: CLIENT, quote: quote(seen, sent), ttl: 63 }
          assertFrame(got.frame, leaves('eth0', CLIENT, icmpError(expected)))
        })

        test('its connection is the service’s', () => {
          const [{ active, inactive }] = bench.service(key).servers
          assert.equal(active + inactive, 1)
        })
      })
