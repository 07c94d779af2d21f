// Tunnels of every kind with IPv6 outside, inside, or both: only here may a server be of another family than its service.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { arrives, Bench, freshPort, icmpError, leaves, NARROW_MTU, networks, packet, Verdict } from '../lib/bench.mjs'
import { assertFrame, bytes, ETH_LEN, Flags, Icmp, Icmp6, internetChecksum } from '../lib/packet.mjs'
import { chances, tunnelKinds, wrapped } from '../lib/tunnel.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const [four, six] = networks
const families = [
  ['IPv6 in IPv6', six, six],
  ['IPv4 in IPv6', four, six],
  ['IPv6 in IPv4', six, four],
]

let port = 100

for (const [title, inside, outside] of families)
  for (const [name, { tunnel, overhead }] of Object.entries(tunnelKinds))
    describe(`${title}, ${name}`, () => {
      const { VIP, CLIENT } = inside
      const room = outside.header + overhead
      let key
      let narrow
      let request
      before(() => {
        bench.net = inside
        port += 2
        key = bench.serve({ port }, { method: 'tunnel', tunnel, address: outside.SERVER })
        narrow = bench.serve({ port: port + 1 }, { method: 'tunnel', tunnel, address: outside.SERVER_NARROW })
        request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: port }
      })
      after(() => bench.stop(key, narrow))

      const expected = (frame, sent, { tos = sent.tos ?? 0, ...ends } = {}) => {
        const ttl = (sent.ttl ?? 64) - 1
        const at = {
          source: outside.DIRECTOR,
          destination: outside.SERVER,
          ttl,
          tos,
          ...ends,
          ...chances(frame, outside),
        }
        return wrapped(tunnel, packet({ ...sent, ttl }), at)
      }

      test('the outer headers', () => {
        for (const [more, outer] of [
          [{}],
          [{ flags: 'ack', payload: bytes(1000) }],
          [{ flags: 'ack', ttl: 2, tos: 0xb8, payload: bytes(33) }],
          [{ flags: 'ack', tos: 0x02 /* ECT(0) */ }],
          [{ flags: 'ack', tos: 0x03 /* CE */ }, { tos: 0x02 }],
          [{ flags: 'ack', payload: bytes(9), ...inside.moreOptions }],
        ]) {
          const sent = { ...request, ...more }
          const got = bench.send(arrives(CLIENT, 'eth0', packet(sent)))
          assert.equal(got.verdict, Verdict.REDIRECT)
          const wanted = leaves('eth1', outside.SERVER, expected(got.frame, sent, outer))
          assertFrame(got.frame, wanted, JSON.stringify(more))
        }
      })

      test('every checksum is right', () => {
        for (let i = 0; i < 100; i += 1) {
          const sent = { ...request, flags: 'ack', payload: bytes(i, i + 1), ttl: 2 + ((i * 2) % 250) }
          const { frame } = bench.send(arrives(CLIENT, 'eth0', packet(sent)))
          assertFrame(frame, leaves('eth1', outside.SERVER, expected(frame, sent)), `packet ${i}`)
        }
      })

      test('the size is judged with the outer headers; the client is told', () => {
        const sent = { ...request, dport: port + 1, fragment: Flags.DF }
        bench.send(arrives(CLIENT, 'eth0', packet(sent)))
        const mtu = NARROW_MTU - room
        const sized = (length) => packet({ ...sent, flags: 'ack', payload: bytes(length - inside.header - 20) })
        assert.deepEqual(
          bench.counted(() => bench.send(arrives(CLIENT, 'eth0', sized(mtu)))),
          {},
        )
        const about = sized(mtu + 1)
        let got
        assert.deepEqual(
          bench.counted(() => {
            got = bench.send(arrives(CLIENT, 'eth0', about))
          }),
          { TOO_BIG: 1 },
        )
        assertFrame(got.frame, leaves('eth0', CLIENT, told({ mtu }, about)), 'the ICMP error')
      })

      /** What the client gets: about a packet too big, one that expired, or (else) one that did not arrive. */
      const told = ({ mtu, expired, code }, about) => {
        if (inside === six) {
          const [type, theirs] = mtu
            ? [Icmp6.TOO_BIG, 0]
            : expired
              ? [Icmp6.TIME_EXCEEDED, 0]
              : [Icmp6.UNREACHABLE, code ?? Icmp6.ADDRESS]
          const quote = about.subarray(0, 1232)
          return icmpError({ source: VIP, destination: CLIENT, type, code: theirs, info: mtu, quote })
        }
        const [type, theirs] = mtu
          ? [Icmp.UNREACHABLE, Icmp.FRAG_NEEDED]
          : expired
            ? [Icmp.TIME_EXCEEDED, 0]
            : [Icmp.UNREACHABLE, Icmp.HOST]
        const quote = about.subarray(0, 548)
        return icmpError({ source: VIP, destination: CLIENT, type, code: theirs, info: mtu, quote, id: 0, tos: 0xc0 })
      }

      test('an error about the tunnel becomes one about the packet inside', () => {
        const inner = packet({ ...request, flags: 'ack', ttl: 63, payload: bytes(100) })
        const { frame } = bench.send(arrives(CLIENT, 'eth0', packet({ ...request, flags: 'ack', payload: bytes(100) })))
        const whole = frame.subarray(ETH_LEN)
        const from = { source: outside.SERVER, destination: outside.DIRECTOR }
        const cases =
          outside === six
            ? [
                [{ type: Icmp6.TOO_BIG, code: 0, info: 1450 }, { mtu: 1450 - room }],
                [{ type: Icmp6.TOO_BIG, code: 0, info: 1280 }, { mtu: inside === six ? 1280 : 1280 - room }],
                [{ type: Icmp6.TIME_EXCEEDED, code: 0 }, { expired: true }],
                [{ type: Icmp6.UNREACHABLE, code: 3 }, {}],
              ]
            : [
                [{ type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED, info: 1450 }, { mtu: 1450 - room }],
                [{ type: Icmp.TIME_EXCEEDED, code: 0 }, { expired: true }],
                [{ type: Icmp.UNREACHABLE, code: Icmp.HOST }, {}],
              ]
        const headers = inside.header + 20
        for (const [error, meaning] of cases)
          for (const length of [whole.length, room + headers, room + headers + 37]) {
            const about = icmpError({ ...from, ...error, quote: whole.subarray(0, length) })
            const got = bench.send(arrives(outside.SERVER, 'eth1', about), { device: 'eth1' })
            assert.equal(got.verdict, Verdict.REDIRECT, JSON.stringify([error, length]))
            const quoted = inner.subarray(0, length - room)
            assertFrame(got.frame, leaves('eth0', CLIENT, told(meaning, quoted)), JSON.stringify([error, length]))
          }
        const foreign = Buffer.from(whole)
        foreign[outside === six ? 39 : 19] ^= 0x40
        if (outside === four) {
          foreign.writeUInt16BE(0, 10)
          foreign.writeUInt16BE(internetChecksum(foreign.subarray(0, 20)), 10)
        }
        const stranger = icmpError({ ...from, ...cases.at(-1)[0], quote: foreign })
        bench.assertUntouched(arrives(outside.SERVER, 'eth1', stranger), { device: 'eth1' })
      })
    })

test('IPv6 of the smallest MTU in IPv4 over a way that is too narrow for it: fragmented outside, by the stack', (t) => {
  bench.net = six
  bench.namespace.ip('link', 'set', 'eth2', 'mtu', 1290)
  t.after(() => bench.namespace.ip('link', 'set', 'eth2', 'mtu', NARROW_MTU))
  const key = bench.serve({ port: 99 }, { method: 'tunnel', address: four.SERVER_NARROW })
  t.after(() => bench.stop(key))
  const request = { source: six.CLIENT, destination: six.VIP, sport: freshPort(), dport: 99 }
  const sized = (length) => packet({ ...request, payload: bytes(length - 60) })
  let got
  const small = bench.counted(() => {
    got = bench.send(arrives(six.CLIENT, 'eth0', sized(1280)))
  })
  assert.deepEqual(small, { TO_STACK: 1 })
  assert.equal(got.frame.subarray(0, 12).toString('hex'), '0'.repeat(24))
  assert.equal(got.frame.length, ETH_LEN + 1300)
  const big = bench.counted(() => {
    got = bench.send(arrives(six.CLIENT, 'eth0', sized(1281)))
  })
  assert.deepEqual(big, { TOO_BIG: 1 })
  const told = { source: six.VIP, destination: six.CLIENT, type: Icmp6.TOO_BIG, code: 0, info: 1280 }
  assertFrame(got.frame, leaves('eth0', six.CLIENT, icmpError({ ...told, quote: sized(1281).subarray(0, 1232) })))
})
