// ICMP errors that the director sends itself: whole packets, whose checksums and quotes are right.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  arrives,
  Bench,
  CLIENT,
  CLIENT_FAR,
  freshPort,
  icmpError,
  leaves,
  NARROW_MTU,
  packet,
  ROUTER,
  SERVER,
  SERVER_NARROW,
  SERVER_UNROUTED,
  Verdict,
  VIP,
} from '../lib/bench.mjs'
import { assertFrame, bytes, Flags, Icmp } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

/** RFC 1812 section 4.3.2.3: as much of the packet as fits into 576 bytes. */
const QUOTE = 576 - 20 - 8

/** The error about a packet that came for the VIP, as its sender gets it. */
function errorTo(client, about, { type, code, info = 0, tos = 0 }) {
  const error = { source: VIP, destination: client, type, code, info, quote: about.subarray(0, QUOTE) }
  // RFC 1812 section 4.3.2.5: precedence 6, the type of service that the packet had
  return leaves('eth0', client, icmpError({ ...error, id: 0, ttl: 64, tos: 0xc0 | (tos & 0x1e) }))
}

/** Sends a packet and expects an error to its client, and one drop counted for `reason`. */
function assertRefused(about, error, reason, { client = CLIENT, ...options } = {}) {
  let got
  const counted = bench.counted(() => {
    got = bench.send(arrives(client, 'eth0', about), options)
  })
  assert.equal(got.verdict, Verdict.REDIRECT)
  assertFrame(got.frame, errorTo(client, about, error), 'the ICMP error')
  assert.deepEqual(counted, { [reason]: 1 })
}

const PORT_UNREACHABLE = { type: Icmp.UNREACHABLE, code: Icmp.PORT }
const HOST_UNREACHABLE = { type: Icmp.UNREACHABLE, code: Icmp.HOST }
const TIME_EXCEEDED = { type: Icmp.TIME_EXCEEDED, code: 0 }
const fragmentationNeeded = (mtu) => ({ type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED, info: mtu })

for (const protocol of ['tcp', 'udp']) {
  describe(`no real server available, ${protocol}: port unreachable from the VIP`, () => {
    for (const [name, servers] of [
      ['no server', []],
      ['only servers of weight 0', [{ weight: 0 }]],
    ]) {
      for (const scheduler of ['rr', 'wrr', 'lc', 'wlc']) {
        test(`${name}, ${scheduler}`, (t) => {
          const key = bench.serve({ protocol, port: 70, scheduler }, ...servers)
          t.after(() => bench.stop(key))
          const request = { protocol, source: CLIENT, destination: VIP, sport: freshPort(), dport: 70 }
          assertRefused(packet({ ...request, payload: bytes(21) }), PORT_UNREACHABLE, 'NO_SERVER')
          assert.equal(bench.connection(request.sport), undefined)
          assert.equal(bench.service(key).counters.connections, 0n)
        })
      }
    }

    test('quotes of any length, odd ones too; long packets are quoted in part', (t) => {
      const key = bench.serve({ protocol, port: 71 })
      t.after(() => bench.stop(key))
      const request = { protocol, source: CLIENT, destination: VIP, sport: freshPort(), dport: 71 }
      const header = packet({ ...request }).length
      for (const length of [0, 1, 2, 3, 17, 35, 36, 37, 63, 64, 65, 100, 255, 519, 520, 521, 522, 700, 1300, 1460]) {
        if (header + length > 1500) continue
        const about = packet({ ...request, payload: bytes(length, length + 3), id: length })
        assertRefused(about, PORT_UNREACHABLE, 'NO_SERVER')
      }
    })

    test('a client behind a router; the type of service; IP options quoted; padding not quoted', (t) => {
      const key = bench.serve({ protocol, port: 72 })
      t.after(() => bench.stop(key))
      const request = { protocol, source: CLIENT_FAR, destination: VIP, sport: freshPort(), dport: 72 }
      assertRefused(packet(request), PORT_UNREACHABLE, 'NO_SERVER', { client: CLIENT_FAR })
      const near = { ...request, source: CLIENT }
      assertRefused(packet({ ...near, tos: 0x10 }), { ...PORT_UNREACHABLE, tos: 0x10 }, 'NO_SERVER')
      assertRefused(packet({ ...near, options: Buffer.from('94040000', 'hex') }), PORT_UNREACHABLE, 'NO_SERVER')
      const padded = arrives(CLIENT, 'eth0', packet(near), { padding: 18 })
      assertFrame(bench.send(padded).frame, errorTo(CLIENT, packet(near), PORT_UNREACHABLE))
    })
  })
}

for (const method of ['masq', 'route', 'tunnel']) {
  const service = (port, server) => bench.serve({ port }, { method, ...server })

  test(`${method}: a packet whose TTL ends here: time exceeded`, (t) => {
    const key = service(73, {})
    t.after(() => bench.stop(key))
    const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 73, payload: bytes(5) }
    assertRefused(packet({ ...request, ttl: 1 }), TIME_EXCEEDED, 'TTL')
    assertRefused(packet({ ...request, ttl: 0 }), TIME_EXCEEDED, 'TTL')
  })

  test(`${method}: too big and DF set: fragmentation needed, with the MTU that fits`, (t) => {
    const key = service(74, { address: SERVER_NARROW })
    t.after(() => bench.stop(key))
    const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 74, fragment: Flags.DF }
    bench.send(arrives(CLIENT, 'eth0', packet(request)))
    const mtu = method === 'tunnel' ? NARROW_MTU - 20 : NARROW_MTU
    const fits = packet({ ...request, flags: 'ack', payload: bytes(mtu - 40) })
    assert.equal(fits.length, mtu)
    assert.deepEqual(
      bench.counted(() => bench.send(arrives(CLIENT, 'eth0', fits))),
      {},
    )
    assertRefused(packet({ ...request, flags: 'ack', payload: bytes(mtu - 39) }), fragmentationNeeded(mtu), 'TOO_BIG')
  })

  test(`${method}: no route to the real server: host unreachable`, (t) => {
    const key = service(75, { address: SERVER_UNROUTED })
    t.after(() => bench.stop(key))
    const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 75 }
    assertRefused(packet(request), HOST_UNREACHABLE, 'NO_ROUTE')
  })
}

test('direct routing, too big without DF: the stack would keep it, so the client is told as well', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 76 }, { method: 'route', address: SERVER_NARROW })
  t.after(() => bench.stop(key))
  const request = { protocol: 'udp', source: CLIENT, destination: VIP, sport: freshPort(), dport: 76 }
  assertRefused(packet({ ...request, payload: bytes(1400) }), fragmentationNeeded(NARROW_MTU), 'TOO_BIG')
})

describe('NAT, what the real server gets', () => {
  /** A connection, and an error to the server about one of its packets. */
  function reply(t, port, more, error) {
    const key = bench.serve({ port }, { port: port + 8000 })
    t.after(() => bench.stop(key))
    const sport = freshPort()
    bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: port })))
    const about = packet({
      ...{ source: SERVER, destination: CLIENT, sport: port + 8000, dport: sport, flags: 'ack', payload: bytes(9) },
      ...more,
    })
    const got = bench.send(arrives(SERVER, 'eth1', about), { device: 'eth1' })
    assert.equal(got.verdict, Verdict.REDIRECT)
    const expected = {
      source: VIP,
      destination: SERVER,
      quote: about.subarray(0, QUOTE),
      id: 0,
      ttl: 64,
      tos: 0xc0,
    }
    assertFrame(got.frame, leaves('eth1', SERVER, icmpError({ ...expected, ...error })), 'the ICMP error')
  }

  test('a reply whose TTL ends here: time exceeded, from the virtual address', (t) => {
    reply(t, 77, { ttl: 1 }, TIME_EXCEEDED)
  })

  test('a reply too big for the client’s side: fragmentation needed, from the virtual address', (t) => {
    bench.namespace.ip('link', 'set', 'eth0', 'mtu', 1300)
    t.after(() => bench.namespace.ip('link', 'set', 'eth0', 'mtu', 1500))
    reply(t, 78, { fragment: Flags.DF, payload: bytes(1300) }, fragmentationNeeded(1300))
  })
})

describe('RFC 1122 section 3.2.2: what is never answered by an ICMP error', () => {
  let key
  let none
  let request
  before(() => {
    key = bench.serve({ protocol: 'udp', port: 79 }, {})
    none = bench.serve({ protocol: 'udp', port: 80 })
    const sport = freshPort()
    request = { protocol: 'udp', source: CLIENT, destination: VIP, sport, dport: 79, payload: bytes(40) }
    bench.send(arrives(CLIENT, 'eth0', packet(request)))
  })
  after(() => bench.stop(key, none))

  test('an ICMP error whose TTL ends here', () => {
    const quote = packet({ ...request, source: VIP, sport: 79, destination: CLIENT, dport: request.sport })
    const error = { source: ROUTER, destination: VIP, type: Icmp.UNREACHABLE, code: Icmp.HOST, quote, ttl: 1 }
    assert.equal(bench.send(arrives(ROUTER, 'eth0', icmpError(error))).verdict, Verdict.DROP)
  })

  test('a later fragment, though its first is', () => {
    const first = packet({ ...request, fragment: Flags.MF, id: 77, ttl: 1 })
    assert.equal(bench.send(arrives(CLIENT, 'eth0', first)).verdict, Verdict.REDIRECT)
    const later = packet({ ...request, fragment: 6, id: 77, ttl: 1 })
    assert.equal(bench.send(arrives(CLIENT, 'eth0', later)).verdict, Verdict.DROP)
  })

  for (const source of ['0.0.0.0', '224.0.0.1', '239.1.2.3', '255.255.255.255', '127.0.0.1'])
    test(`a packet from ${source}`, () => {
      const data = arrives(CLIENT, 'eth0', packet({ ...request, source, dport: 80 }))
      assert.notEqual(bench.send(data).verdict, Verdict.REDIRECT)
    })
})

test('a thousand errors a second and CPU at the most; the rest is dropped and counted', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 81 })
  t.after(() => bench.stop(key))
  const data = arrives(
    CLIENT,
    'eth0',
    packet({ protocol: 'udp', source: CLIENT, destination: VIP, sport: freshPort(), dport: 81 }),
  )
  let limited
  for (let i = 0; i < 50_000 && !limited; i += 1) {
    bench.counted(() => {
      const { verdict } = bench.send(data)
      if (verdict === Verdict.REDIRECT) return
      assert.equal(verdict, Verdict.DROP)
      limited = true
    })
  }
  assert.ok(limited, 'the limit was never reached')
  assert.deepEqual(
    bench.counted(() => {
      // on either CPU, in whichever second
      for (let i = 0; i < 20_000 && bench.send(data).verdict !== Verdict.DROP; i += 1);
    }).ICMP_LIMIT,
    1,
  )
})
