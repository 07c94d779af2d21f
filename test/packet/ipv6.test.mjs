// What of IPv6 differs from IPv4: errors (RFC 4443), fragments and extension headers (RFC 8200). What does not is in the
// files of the forwarding methods, for both families.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { arrives, Bench, freshPort, icmpError, leaves, NARROW_MTU, networks, packet, Verdict } from '../lib/bench.mjs'
import { assertFrame, bytes, fragmentHeader, Icmp6, icmp6, ipv6, Protocol } from '../lib/packet.mjs'

const [, net] = networks
const { VIP, CLIENT, CLIENT_FAR, ROUTER, SERVER, SERVER_NARROW, SERVER_UNROUTED } = net

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
  bench.net = net
})
after(() => bench?.close())

/** RFC 4443 section 2.4 (c): as much of the packet as fits into 1,280 bytes. */
const QUOTE = 1280 - 40 - 8

const PORT_UNREACHABLE = { type: Icmp6.UNREACHABLE, code: Icmp6.PORT }
const ADDRESS_UNREACHABLE = { type: Icmp6.UNREACHABLE, code: Icmp6.ADDRESS }
const TIME_EXCEEDED = { type: Icmp6.TIME_EXCEEDED, code: 0 }
const tooBig = (mtu) => ({ type: Icmp6.TOO_BIG, code: 0, info: mtu })

/** The error about a packet that came for the VIP, as its sender gets it. */
const errorTo = (client, about, error) =>
  leaves('eth0', client, icmpError({ source: VIP, destination: client, ...error, quote: about.subarray(0, QUOTE) }))

function assertRefused(about, error, reason, { client = CLIENT, ...options } = {}) {
  let got
  const counted = bench.counted(() => {
    got = bench.send(arrives(client, 'eth0', about), options)
  })
  assert.equal(got.verdict, Verdict.REDIRECT)
  assertFrame(got.frame, errorTo(client, about, error), 'the ICMPv6 error')
  assert.deepEqual(counted, { [reason]: 1 })
}

describe('ICMPv6 errors of our own', () => {
  for (const protocol of ['tcp', 'udp'])
    test(`no real server available, ${protocol}: port unreachable from the VIP, quoting up to 1,280 bytes`, (t) => {
      const key = bench.serve({ protocol, port: 70 })
      t.after(() => bench.stop(key))
      const request = { protocol, source: CLIENT, destination: VIP, sport: freshPort(), dport: 70 }
      const header = packet(request).length
      for (const length of [0, 1, 2, 3, 63, 64, 65, 255, 700, 1171, 1172, 1173, 1192, 1300, 1440]) {
        if (header + length > 1500) continue
        assertRefused(packet({ ...request, payload: bytes(length, length + 3) }), PORT_UNREACHABLE, 'NO_SERVER')
      }
      assertRefused(packet({ ...request, tos: 0xb8, label: 0x12345 }), PORT_UNREACHABLE, 'NO_SERVER')
      assertRefused(packet({ ...request, ...net.moreOptions }), PORT_UNREACHABLE, 'NO_SERVER')
      const far = packet({ ...request, source: CLIENT_FAR })
      assertRefused(far, PORT_UNREACHABLE, 'NO_SERVER', { client: CLIENT_FAR })
      const padded = arrives(CLIENT, 'eth0', packet(request), { padding: 18 })
      assertFrame(bench.send(padded).frame, errorTo(CLIENT, packet(request), PORT_UNREACHABLE))
    })

  for (const [method, overhead] of [
    ['masq', 0],
    ['route', 0],
    ['tunnel', 40],
  ])
    test(`${method}: hop limit, size, route`, (t) => {
      const keys = [
        bench.serve({ port: 73 }, { method }),
        bench.serve({ port: 74 }, { method, address: SERVER_NARROW }),
        bench.serve({ port: 75 }, { method, address: SERVER_UNROUTED }),
      ]
      t.after(() => bench.stop(...keys))
      const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 73 }
      assertRefused(packet({ ...request, ttl: 1 }), TIME_EXCEEDED, 'TTL')
      assertRefused(packet({ ...request, ttl: 0 }), TIME_EXCEEDED, 'TTL')
      const narrow = { ...request, dport: 74 }
      bench.send(arrives(CLIENT, 'eth0', packet(narrow)))
      const mtu = NARROW_MTU - overhead
      const sized = (length) => packet({ ...narrow, flags: 'ack', payload: bytes(length - 60) })
      assert.deepEqual(
        bench.counted(() => bench.send(arrives(CLIENT, 'eth0', sized(mtu)))),
        {},
      )
      assertRefused(sized(mtu + 1), tooBig(mtu), 'TOO_BIG')
      assertRefused(packet({ ...request, dport: 75 }), ADDRESS_UNREACHABLE, 'NO_ROUTE')
    })

  test('NAT: the server hears of its replies from the virtual address', (t) => {
    const key = bench.serve({ port: 77 }, { port: 8077 })
    t.after(() => bench.stop(key))
    const sport = freshPort()
    bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 77 })))
    const about = packet({ source: SERVER, destination: CLIENT, sport: 8077, dport: sport, flags: 'ack', ttl: 1 })
    const got = bench.send(arrives(SERVER, 'eth1', about), { device: 'eth1' })
    const error = { source: VIP, destination: SERVER, ...TIME_EXCEEDED, quote: about }
    assertFrame(got.frame, leaves('eth1', SERVER, icmpError(error)), 'the ICMPv6 error')
  })

  test('RFC 4443 section 2.4 (e): none about errors, later fragments, and sources that are no single host', (t) => {
    const key = bench.serve({ protocol: 'udp', port: 79 }, {})
    const none = bench.serve({ protocol: 'udp', port: 80 })
    t.after(() => bench.stop(key, none))
    const request = { protocol: 'udp', source: CLIENT, destination: VIP, sport: freshPort(), dport: 79 }
    bench.send(arrives(CLIENT, 'eth0', packet(request)))
    const quote = packet({ ...request, source: VIP, sport: 79, destination: CLIENT, dport: request.sport })
    const error = icmpError({ source: ROUTER, destination: VIP, ...ADDRESS_UNREACHABLE, quote, ttl: 1 })
    assert.equal(bench.send(arrives(ROUTER, 'eth0', error)).verdict, Verdict.DROP)
    const first = packet({ ...request, ttl: 1, extensions: [fragmentHeader({ more: true, id: 77 })] })
    assert.equal(bench.send(arrives(CLIENT, 'eth0', first)).verdict, Verdict.REDIRECT)
    const later = packet({ ...request, ttl: 1, extensions: [fragmentHeader({ offset: 48, id: 77 })] })
    assert.equal(bench.send(arrives(CLIENT, 'eth0', later)).verdict, Verdict.DROP)
    for (const source of ['::', '::1', 'ff02::1', 'ff0e::5'])
      assert.notEqual(
        bench.send(arrives(CLIENT, 'eth0', packet({ ...request, source, dport: 80 }))).verdict,
        Verdict.REDIRECT,
      )
  })
})

const kinds = [
  PORT_UNREACHABLE,
  ADDRESS_UNREACHABLE,
  { type: Icmp6.UNREACHABLE, code: 1 },
  tooBig(1300),
  TIME_EXCEEDED,
  { type: 4, code: 1, info: 40 },
]

for (const protocol of ['tcp', 'udp'])
  for (const serverPort of [90, 9000])
    describe(`ICMPv6 errors of others, NAT, ${protocol}, ${serverPort === 90 ? 'the same port' : 'another port'}`, () => {
      let sport
      let key
      before(() => {
        key = bench.serve({ protocol, port: 90 }, { port: serverPort })
        sport = freshPort()
        bench.send(arrives(CLIENT, 'eth0', packet({ protocol, source: CLIENT, destination: VIP, sport, dport: 90 })))
      })
      after(() => bench.stop(key))

      const request = (near, more) => ({
        ...{ protocol, source: CLIENT, sport, flags: 'ack', payload: bytes(64), ttl: 60 },
        ...(near ? { destination: VIP, dport: 90 } : { destination: SERVER, dport: serverPort }),
        ...more,
      })
      const reply = (near, more) => ({
        ...{ protocol, destination: CLIENT, dport: sport, flags: 'ack', payload: bytes(65), ttl: 60 },
        ...(near ? { source: VIP, sport: 90 } : { source: SERVER, sport: serverPort }),
        ...more,
      })
      /** Quotes keep the transport checksum that the packet had where the error was made (as IPVS leaves it). */
      const quoteOf = (seen, made, length) => {
        const quote = Buffer.from(packet(made))
        const extensions = (made.extensions ?? []).reduce((sum, [, header]) => sum + header.length, 0)
        const at = 40 + extensions + (protocol === 'tcp' ? 16 : 6)
        packet(seen).copy(quote, at, at, at + 2)
        return quote.subarray(0, length)
      }

      test('from the client’s side: to the real server, quoting what it sent', () => {
        for (const source of [CLIENT, ROUTER])
          for (const kind of kinds)
            for (const [length, more] of [[48], [49], [80], [undefined], [undefined, net.moreOptions]]) {
              const seen = reply(true, more)
              const error = { source, ...kind }
              const about = icmpError({ ...error, destination: VIP, quote: packet(seen).subarray(0, length) })
              const got = bench.send(arrives(source, 'eth0', about))
              assert.equal(got.verdict, Verdict.REDIRECT)
              const quote = quoteOf(seen, reply(false, more), length)
              const expected = icmpError({ ...error, destination: SERVER, quote, ttl: 63 })
              assertFrame(got.frame, leaves('eth1', SERVER, expected), 'the ICMPv6 error')
            }
      })

      test('from the server’s side: to the client as the virtual service, quoting what it sent', () => {
        for (const kind of kinds)
          for (const length of [48, 49, 80, undefined]) {
            const seen = request(false)
            const error = { destination: CLIENT, ...kind }
            const about = icmpError({ ...error, source: SERVER, quote: packet(seen).subarray(0, length) })
            const got = bench.send(arrives(SERVER, 'eth1', about), { device: 'eth1' })
            assert.equal(got.verdict, Verdict.REDIRECT)
            const quote = quoteOf(seen, request(true), length)
            const expected = icmpError({ ...error, source: VIP, quote, ttl: 63 })
            assertFrame(got.frame, leaves('eth0', CLIENT, expected), 'the ICMPv6 error')
          }
      })

      test('pings and neighbour discovery are the stack’s, whatever they carry', () => {
        for (const type of [128, 129, 133, 134, 135, 136, 137])
          bench.assertUntouched(
            arrives(
              CLIENT,
              'eth0',
              icmpError({ source: CLIENT, destination: VIP, type, code: 0, quote: packet(reply(true)) }),
            ),
          )
      })

      test('about another connection, or a later fragment of this one: the stack’s', () => {
        const about = (quote) => icmpError({ source: CLIENT, destination: VIP, ...kinds[0], quote: packet(quote) })
        bench.assertUntouched(arrives(CLIENT, 'eth0', about(reply(true, { dport: sport + 1 }))))
        const extensions = [fragmentHeader({ offset: 8, id: 9 })]
        bench.assertUntouched(arrives(CLIENT, 'eth0', about(reply(true, { extensions }))))
      })
    })

test('direct routing: an error from the client’s side reaches the real server as it is, one hop on', (t) => {
  const key = bench.serve({ port: 91 }, { method: 'route' })
  t.after(() => bench.stop(key))
  const sport = freshPort()
  bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 91 })))
  const quote = packet({ source: VIP, destination: CLIENT, sport: 91, dport: sport, flags: 'ack', payload: bytes(30) })
  const error = { source: ROUTER, destination: VIP, ...tooBig(1300), quote }
  const got = bench.send(arrives(ROUTER, 'eth0', icmpError(error)))
  assert.equal(got.verdict, Verdict.REDIRECT)
  assertFrame(got.frame, leaves('eth1', SERVER, icmpError({ ...error, ttl: 63 })))
})

describe('fragments', () => {
  /** A packet cut into three behind its extension headers, as RFC 8200 section 4.5 says. */
  function fragments(whole, before_ = []) {
    const { source, destination, id, ttl } = whole
    const data = packet(whole).subarray(40)
    const protocol = whole.protocol === 'udp' ? Protocol.UDP : Protocol.TCP
    const cut = (from, to, more) =>
      ipv6({
        ...{ source, destination, ttl, protocol, payload: data.subarray(from, to) },
        extensions: [...before_, fragmentHeader({ offset: from, more, id })],
      })
    return [cut(0, 400, true), cut(400, 800, true), cut(800, undefined, false)]
  }

  for (const protocol of ['tcp', 'udp'])
    for (const [name, extensions] of [
      ['bare', []],
      ['behind other headers', net.options.extensions],
    ])
      test(`NAT, ${protocol}, ${name}: put together again, they are the packet rewritten`, (t) => {
        const key = bench.serve({ protocol, port: 90 }, { port: 9000 })
        t.after(() => bench.stop(key))
        const sport = freshPort()
        const request = { protocol, source: CLIENT, destination: VIP, sport, dport: 90, payload: bytes(1201), id: 700 }
        const expected = fragments({ ...request, destination: SERVER, dport: 9000, ttl: 63 }, extensions)
        for (const [i, each] of fragments(request, extensions).entries())
          assertFrame(bench.send(arrives(CLIENT, 'eth0', each)).frame, leaves('eth1', SERVER, expected[i]), `${i}`)
        assert.equal(bench.service(key).counters.inPackets, 3n)
        assert.equal(bench.service(key).counters.connections, 1n)
        const reply = {
          ...{ protocol, source: SERVER, destination: CLIENT, sport: 9000, dport: sport },
          ...{ flags: 'ack', payload: bytes(1202), id: 701 },
        }
        const back = fragments({ ...reply, source: VIP, sport: 90, ttl: 63 })
        for (const [i, each] of fragments(reply).entries())
          assertFrame(
            bench.send(arrives(SERVER, 'eth1', each), { device: 'eth1' }).frame,
            leaves('eth0', CLIENT, back[i]),
            `${i} of the reply`,
          )
      })

  test('two datagrams at once are told apart by id; a later one without its first is the stack’s', (t) => {
    const key = bench.serve({ protocol: 'udp', port: 93 }, {})
    t.after(() => bench.stop(key))
    const request = { protocol: 'udp', source: CLIENT, destination: VIP, dport: 93, payload: bytes(1201) }
    const all = [720, 721].map((id) => ({ ...request, sport: freshPort(), id }))
    for (let i = 0; i < 3; i += 1)
      for (const each of all)
        assertFrame(
          bench.send(arrives(CLIENT, 'eth0', fragments(each)[i])).frame,
          leaves('eth1', SERVER, fragments({ ...each, destination: SERVER, ttl: 63 })[i]),
        )
    const [, later, last] = fragments({ ...request, sport: freshPort(), id: 730 })
    bench.assertUntouched(arrives(CLIENT, 'eth0', later), {}, { events: { UNKNOWN_FRAGMENT: 1 } })
    bench.assertUntouched(arrives(CLIENT, 'eth0', last), {}, { events: { UNKNOWN_FRAGMENT: 1 } })
  })

  test('a fragment that is the whole packet (RFC 6946) is a packet', (t) => {
    const key = bench.serve({ port: 94 }, {})
    t.after(() => bench.stop(key))
    const extensions = [fragmentHeader({ id: 5 })]
    const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 94, extensions }
    assertFrame(
      bench.send(arrives(CLIENT, 'eth0', packet(request))).frame,
      leaves('eth1', SERVER, packet({ ...request, destination: SERVER, ttl: 63 })),
    )
  })
})

describe('what is not ours passes untouched', () => {
  let key
  before(() => {
    key = bench.serve({ port: 95 }, {})
  })
  after(() => bench.stop(key))
  const untouched = (more, data = packet({ source: CLIENT, destination: VIP, sport: 7, dport: 95, ...more })) =>
    bench.assertUntouched(arrives(CLIENT, 'eth0', data))

  test('clients whom nobody could answer through the director', () => {
    for (const source of ['fe80::10', '::', '::1', 'ff02::1']) untouched({ source })
  })
  test('a routing header whose way goes on', () =>
    untouched({ extensions: [[Protocol.ROUTING, Buffer.from(`00020201${'00'.repeat(20)}`, 'hex')]] }))
  test('more extension headers than anybody sends, or one that ends nowhere', () => {
    const padding = [Protocol.OPTIONS, Buffer.from('0000010400000000', 'hex')]
    untouched({ extensions: Array(9).fill(padding) })
    untouched({ extensions: [[Protocol.OPTIONS, Buffer.from('00ff010400000000', 'hex')]] })
    untouched({ extensions: [[Protocol.OPTIONS, Buffer.concat([Buffer.from([0, 59]), Buffer.alloc(478)])]] })
  })
  test('no next header, another protocol, another version, a length beyond the frame', () => {
    for (const protocol of [59, 89, 132])
      untouched({}, ipv6({ source: CLIENT, destination: VIP, protocol, payload: bytes(40) }))
    untouched({ version: 4 })
    untouched({ length: 2000 })
  })
  test('a truncated transport header', () => {
    const whole = packet({ source: CLIENT, destination: VIP, sport: 7, dport: 95 }).subarray(40)
    for (const length of [0, 3, 8, 19])
      untouched(
        {},
        ipv6({ source: CLIENT, destination: VIP, protocol: Protocol.TCP, payload: whole.subarray(0, length) }),
      )
  })
  test('an echo request, whole or in fragments', () => {
    const message = { source: CLIENT, destination: VIP, type: Icmp6.ECHO, code: 0, payload: bytes(64) }
    const ping = { source: CLIENT, destination: VIP, protocol: Protocol.ICMP6, payload: icmp6(message) }
    untouched({}, ipv6(ping))
    untouched({}, ipv6({ ...ping, extensions: [fragmentHeader({ more: true, id: 3 })] }))
  })
})
