// ICMP errors of others about our connections: led to the other end, what they quote rewritten as it was sent.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  arrives,
  Bench,
  CLIENT,
  DIRECTOR,
  freshPort,
  icmpError,
  leaves,
  packet,
  ROUTER,
  SERVER,
  Verdict,
  VIP,
} from '../lib/bench.mjs'
import { assertFrame, bytes, Flags, Icmp, ipv4, Protocol } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const kinds = [
  { type: Icmp.UNREACHABLE, code: Icmp.PORT },
  { type: Icmp.UNREACHABLE, code: Icmp.HOST },
  { type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED, info: 1234 },
  { type: Icmp.SOURCE_QUENCH, code: 0 },
  { type: Icmp.TIME_EXCEEDED, code: 0 },
]

for (const protocol of ['tcp', 'udp']) {
  for (const serverPort of [90, 9000]) {
    describe(`NAT, ${protocol}, ${serverPort === 90 ? 'the same port' : 'another port'}`, () => {
      let sport
      let key
      before(() => {
        key = bench.serve({ protocol, port: 90 }, { port: serverPort })
        sport = freshPort()
        bench.send(arrives(CLIENT, 'eth0', packet({ protocol, source: CLIENT, destination: VIP, sport, dport: 90 })))
      })
      after(() => bench.stop(key))

      // the same packet on either side of the director
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
        packet(seen).copy(
          quote,
          20 + (made.options?.length ?? 0) + (protocol === 'tcp' ? 16 : 6),
          20 + (made.options?.length ?? 0) + (protocol === 'tcp' ? 16 : 6),
          20 + (made.options?.length ?? 0) + (protocol === 'tcp' ? 18 : 8),
        )
        return quote.subarray(0, length)
      }

      test('from the client’s side: the error goes to the real server and quotes what it sent', () => {
        for (const source of [CLIENT, ROUTER]) {
          for (const kind of kinds) {
            for (const length of [28, 29, 64, undefined]) {
              const seen = reply(true)
              const error = { source, ...kind, tos: 0xc0 }
              const got = bench.send(
                arrives(
                  source,
                  'eth0',
                  icmpError({ ...error, destination: VIP, quote: packet(seen).subarray(0, length) }),
                ),
              )
              assert.equal(got.verdict, Verdict.REDIRECT)
              const quote = quoteOf(seen, reply(false), length)
              assertFrame(
                got.frame,
                leaves('eth1', SERVER, icmpError({ ...error, destination: SERVER, quote, ttl: 63 })),
                'the ICMP error',
              )
            }
          }
        }
      })

      test('from the server’s side: the error goes to the client as the virtual service, and quotes what it sent', () => {
        for (const kind of kinds) {
          for (const length of [28, 29, 64, undefined]) {
            const seen = request(false)
            const error = { destination: CLIENT, ...kind }
            const got = bench.send(
              arrives(SERVER, 'eth1', icmpError({ ...error, source: SERVER, quote: packet(seen).subarray(0, length) })),
              { device: 'eth1' },
            )
            assert.equal(got.verdict, Verdict.REDIRECT)
            const quote = quoteOf(seen, request(true), length)
            assertFrame(
              got.frame,
              leaves('eth0', CLIENT, icmpError({ ...error, source: VIP, quote, ttl: 63 })),
              'the ICMP error',
            )
          }
        }
      })

      test('a quoted header with options; an error with options', () => {
        const options = Buffer.from('94040000', 'hex')
        const seen = request(false, { options })
        const error = { destination: CLIENT, ...kinds[0], options }
        const got = bench.send(arrives(SERVER, 'eth1', icmpError({ ...error, source: SERVER, quote: packet(seen) })), {
          device: 'eth1',
        })
        const quote = quoteOf(seen, request(true, { options }))
        assertFrame(got.frame, leaves('eth0', CLIENT, icmpError({ ...error, source: VIP, quote, ttl: 63 })))
      })

      test('the error counts as a packet of the connection and changes no state', () => {
        const state = bench.connection(sport).state
        const before_ = bench.service(key).counters
        const error = icmpError({ source: CLIENT, destination: VIP, ...kinds[0], quote: packet(reply(true)) })
        bench.send(arrives(CLIENT, 'eth0', error))
        assert.equal(bench.connection(sport).state, state)
        assert.deepEqual(bench.service(key).counters, {
          ...before_,
          inPackets: before_.inPackets + 1n,
          inBytes: before_.inBytes + BigInt(error.length),
        })
      })

      test('no error: an echo request or an information message with such content is the stack’s', () => {
        for (const type of [0, Icmp.ECHO, 5, 12, 13])
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
        bench.assertUntouched(arrives(CLIENT, 'eth0', about(reply(true, { fragment: 3 }))))
      })
    })
  }
}

describe('direct routing and tunnel: errors from the client’s side reach the real server', () => {
  test('direct routing: the error as it is, one hop on', (t) => {
    const key = bench.serve({ port: 91 }, { method: 'route' })
    t.after(() => bench.stop(key))
    const sport = freshPort()
    bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 91 })))
    const quote = packet({
      source: VIP,
      destination: CLIENT,
      sport: 91,
      dport: sport,
      flags: 'ack',
      payload: bytes(30),
    })
    const error = { source: ROUTER, destination: VIP, ...kinds[2], quote }
    const got = bench.send(arrives(ROUTER, 'eth0', icmpError(error)))
    assert.equal(got.verdict, Verdict.REDIRECT)
    assertFrame(got.frame, leaves('eth1', SERVER, icmpError({ ...error, ttl: 63 })))
  })

  test('tunnel: the error in the tunnel', (t) => {
    const key = bench.serve({ port: 92 }, { method: 'tunnel' })
    t.after(() => bench.stop(key))
    const sport = freshPort()
    bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 92 })))
    const quote = packet({
      source: VIP,
      destination: CLIENT,
      sport: 92,
      dport: sport,
      flags: 'ack',
      payload: bytes(30),
    })
    const error = { source: ROUTER, destination: VIP, ...kinds[0], quote, id: 5 }
    const got = bench.send(arrives(ROUTER, 'eth0', icmpError(error)))
    assert.equal(got.verdict, Verdict.REDIRECT)
    const payload = icmpError({ ...error, ttl: 63 })
    const outer = { source: DIRECTOR, destination: SERVER, protocol: Protocol.IPIP, payload, ttl: 63, id: 5 }
    assertFrame(got.frame, leaves('eth1', SERVER, ipv4(outer)))
  })
})

describe('an error about our own tunnel packet becomes one about the packet inside', () => {
  let key
  let sport
  let inner
  before(() => {
    key = bench.serve({ port: 93 }, { method: 'tunnel' })
    sport = freshPort()
    inner = { source: CLIENT, destination: VIP, sport, dport: 93, fragment: Flags.DF }
    bench.send(arrives(CLIENT, 'eth0', packet(inner)))
  })
  after(() => bench.stop(key))

  const HOP = '198.18.1.254'
  const outer = (more) => {
    const payload = packet({ ...inner, flags: 'ack', ttl: 63, payload: bytes(100), ...more })
    return ipv4({
      source: DIRECTOR,
      destination: SERVER,
      protocol: Protocol.IPIP,
      payload,
      ttl: 63,
      fragment: Flags.DF,
    })
  }
  const error = (kind, quote) =>
    frameFromHop(icmpError({ source: HOP, destination: DIRECTOR, tos: 0xc0, ...kind, quote }))
  const frameFromHop = (data) => arrives(SERVER, 'eth1', data)

  /** What the client gets. */
  const told = (kind, quote) =>
    leaves('eth0', CLIENT, icmpError({ source: VIP, destination: CLIENT, ...kind, quote, id: 0, ttl: 64, tos: 0xc0 }))

  test('fragmentation needed: with room for the outer header', () => {
    const kind = { type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED }
    const got = bench.send(error({ ...kind, info: 1400 }, outer()), { device: 'eth1' })
    assert.equal(got.verdict, Verdict.REDIRECT)
    assertFrame(got.frame, told({ ...kind, info: 1380 }, outer().subarray(20)), 'the ICMP error')
  })

  test('quotes in part: as much as RFC 1812 asks, or the headers alone', () => {
    const kind = { type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED }
    const long = outer({ payload: bytes(1400) })
    for (const length of [548, 301, 128, 60, 44]) {
      const got = bench.send(error({ ...kind, info: 1400 }, long.subarray(0, length)), { device: 'eth1' })
      assert.equal(got.verdict, Verdict.REDIRECT, `${length} bytes quoted`)
      assertFrame(got.frame, told({ ...kind, info: 1380 }, long.subarray(20, length)), `the error with ${length} bytes`)
    }
  })

  test('unreachable and time exceeded are told to the client', () => {
    for (const kind of [kinds[1], kinds[0], kinds[4]]) {
      const got = bench.send(error(kind, outer()), { device: 'eth1' })
      assert.equal(got.verdict, Verdict.REDIRECT)
      assertFrame(got.frame, told(kind, outer().subarray(20)), 'the ICMP error')
    }
  })

  test('an MTU that leaves no room for a packet is not passed on', () => {
    const got = bench.send(error({ type: 3, code: 4, info: 80 }, outer()), { device: 'eth1' })
    assert.equal(got.verdict, Verdict.DROP)
  })

  test('too little quoted to know the client, another server’s tunnel, no connection: the stack’s', () => {
    bench.assertUntouched(error(kinds[1], outer().subarray(0, 28)), { device: 'eth1' })
    const foreign = ipv4({
      ...{ source: DIRECTOR, destination: '198.18.1.77', protocol: Protocol.IPIP },
      payload: packet({ ...inner, ttl: 63 }),
    })
    bench.assertUntouched(error(kinds[1], foreign), { device: 'eth1' })
    bench.assertUntouched(error(kinds[1], outer({ sport: sport + 1 })), { device: 'eth1' })
  })
})
