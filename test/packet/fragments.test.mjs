// Fragments come as they are, before reassembly: the first one names the ports, the later ones follow it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  arrives,
  Bench,
  CLIENT,
  DIRECTOR,
  freshPort,
  leaves,
  packet,
  SERVER,
  SERVER2,
  Verdict,
  VIP,
} from '../lib/bench.mjs'
import { assertFrame, bytes, Flags, ipv4, Protocol } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

/** A packet cut into three, as RFC 791 says: offsets count eights of bytes, all but the last say "more". */
function fragments(whole) {
  const { source, destination, id, ttl } = whole
  const data = packet(whole).subarray(20)
  const protocol = whole.protocol === 'udp' ? Protocol.UDP : Protocol.TCP
  const cut = (from, to, more) =>
    ipv4({
      ...{ source, destination, id, ttl, protocol, payload: data.subarray(from, to) },
      fragment: (more ? Flags.MF : 0) | (from / 8),
    })
  return [cut(0, 400, true), cut(400, 800, true), cut(800, undefined, false)]
}

for (const protocol of ['tcp', 'udp']) {
  for (const [name, serverPort] of [
    ['the same port', 90],
    ['another port', 9000],
  ]) {
    test(`NAT, ${protocol}, ${name}: put together again, the fragments are the packet rewritten`, (t) => {
      const key = bench.serve({ protocol, port: 90 }, { port: serverPort })
      t.after(() => bench.stop(key))
      const sport = freshPort()
      const request = { protocol, source: CLIENT, destination: VIP, sport, dport: 90, payload: bytes(1201), id: 700 }
      const sent = fragments(request)
      const expected = fragments({ ...request, destination: SERVER, dport: serverPort, ttl: 63 })
      for (const [i, each] of sent.entries()) {
        const got = bench.send(arrives(CLIENT, 'eth0', each))
        assert.equal(got.verdict, Verdict.REDIRECT)
        assertFrame(got.frame, leaves('eth1', SERVER, expected[i]), `fragment ${i}`)
      }
      assert.equal(bench.service(key).counters.inPackets, 3n)
      assert.equal(bench.service(key).counters.connections, 1n)

      const reply = {
        ...{ protocol, source: SERVER, destination: CLIENT, sport: serverPort, dport: sport },
        ...{ flags: 'ack', payload: bytes(1202), id: 701 },
      }
      const back = fragments({ ...reply, source: VIP, sport: 90, ttl: 63 })
      for (const [i, each] of fragments(reply).entries()) {
        const got = bench.send(arrives(SERVER, 'eth1', each), { device: 'eth1' })
        assert.equal(got.verdict, Verdict.REDIRECT)
        assertFrame(got.frame, leaves('eth0', CLIENT, back[i]), `fragment ${i} of the reply`)
      }
    })
  }

  test(`direct routing and tunnel, ${protocol}: later fragments go the way of the first`, (t) => {
    const keys = [
      bench.serve({ protocol, port: 91 }, { method: 'route' }),
      bench.serve({ protocol, port: 92 }, { method: 'tunnel' }),
    ]
    t.after(() => bench.stop(...keys))
    const request = { protocol, source: CLIENT, destination: VIP, payload: bytes(1201) }
    const routed = { ...request, sport: freshPort(), dport: 91, id: 710 }
    const aged = fragments({ ...routed, ttl: 63 })
    for (const [i, each] of fragments(routed).entries())
      assertFrame(bench.send(arrives(CLIENT, 'eth0', each)).frame, leaves('eth1', SERVER, aged[i]), `fragment ${i}`)
    const tunnelled = { ...request, sport: freshPort(), dport: 92, id: 711 }
    const inner = fragments({ ...tunnelled, ttl: 63 })
    for (const [i, each] of fragments(tunnelled).entries()) {
      const outer = {
        source: DIRECTOR,
        destination: SERVER,
        protocol: Protocol.IPIP,
        payload: inner[i],
        ttl: 63,
        id: 711,
      }
      assertFrame(bench.send(arrives(CLIENT, 'eth0', each)).frame, leaves('eth1', SERVER, ipv4(outer)), `fragment ${i}`)
    }
  })
}

test('two datagrams at once, told apart by id; two clients, told apart by address', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 93 }, { address: SERVER2 }, { address: SERVER })
  t.after(() => bench.stop(key))
  const request = { protocol: 'udp', destination: VIP, dport: 93, payload: bytes(1201) }
  const all = [
    [{ ...request, source: CLIENT, sport: freshPort(), id: 720 }, SERVER],
    [{ ...request, source: CLIENT, sport: freshPort(), id: 721 }, SERVER2],
    [{ ...request, source: '198.18.0.11', sport: freshPort(), id: 720 }, SERVER],
  ]
  for (let i = 0; i < 3; i += 1) {
    for (const [each, server] of all) {
      const got = bench.send(arrives(CLIENT, 'eth0', fragments(each)[i]))
      assertFrame(got.frame, leaves('eth1', server, fragments({ ...each, destination: server, ttl: 63 })[i]))
    }
  }
})

test('a later fragment whose first never came is the stack’s, which will not complete it; it is counted', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 94 }, {})
  t.after(() => bench.stop(key))
  const request = { protocol: 'udp', source: CLIENT, destination: VIP, sport: freshPort(), dport: 94 }
  const [, later, last] = fragments({ ...request, payload: bytes(1201), id: 730 })
  const events = { UNKNOWN_FRAGMENT: 1 }
  bench.assertUntouched(arrives(CLIENT, 'eth0', later), {}, { events })
  bench.assertUntouched(arrives(CLIENT, 'eth0', last), {}, { events })
})

test('fragments of what is not ours pass untouched, all of them', () => {
  const request = { protocol: 'udp', source: CLIENT, destination: VIP, sport: freshPort(), dport: 95 }
  for (const each of fragments({ ...request, payload: bytes(1201), id: 740 }))
    bench.assertUntouched(arrives(CLIENT, 'eth0', each))
})

test('a first fragment too short for the ports starts nothing', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 96 }, {})
  t.after(() => bench.stop(key))
  const whole = packet({ protocol: 'udp', source: CLIENT, destination: VIP, sport: freshPort(), dport: 96 })
  const first = { source: CLIENT, destination: VIP, protocol: Protocol.UDP, fragment: Flags.MF, id: 750 }
  bench.assertUntouched(arrives(CLIENT, 'eth0', ipv4({ ...first, payload: whole.subarray(20, 24) })))
})

test('later fragments keep the connection alive and change no state', (t) => {
  const key = bench.serve({ port: 97 }, {})
  t.after(() => bench.stop(key))
  const sport = freshPort()
  const request = { source: CLIENT, destination: VIP, sport, dport: 97, payload: bytes(1201), id: 760 }
  const [first, later, last] = fragments(request)
  bench.send(arrives(CLIENT, 'eth0', first))
  assert.equal(bench.connection(sport).state, 'SYN_RECV')
  bench.send(arrives(CLIENT, 'eth0', later))
  bench.send(arrives(CLIENT, 'eth0', last))
  assert.equal(bench.connection(sport).state, 'SYN_RECV')
  assert.equal(bench.service(key).servers[0].active, 1)
})
