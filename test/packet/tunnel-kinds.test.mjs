// GUE (draft-ietf-intarea-gue) and GRE (RFC 2784) tunnels, packet by packet. What kernel IPVS writes is in
// test/golden/packets.json; here is what of it does not depend on the machine.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import {
  arrives,
  Bench,
  CLIENT,
  DIRECTOR,
  freshPort,
  icmpError,
  leaves,
  NARROW_MTU,
  packet,
  SERVER,
  SERVER_NARROW,
  Verdict,
  VIP,
} from '../lib/bench.mjs'
import { assertFrame, bytes, ETH_LEN, Flags, Icmp, internetChecksum, ipv4, Protocol, udp } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const GUE_PORT = 6080
const kinds = {
  'gue:-c': { tunnel: { type: 'gue', port: GUE_PORT, checksum: 'none' }, overhead: 32 },
  'gue:+c': { tunnel: { type: 'gue', port: GUE_PORT, checksum: 'csum' }, overhead: 32 },
  'gue:r+c': { tunnel: { type: 'gue', port: GUE_PORT, checksum: 'remcsum' }, overhead: 32 },
  'gre:-c': { tunnel: { type: 'gre', checksum: 'none' }, overhead: 24 },
  'gre:+c': { tunnel: { type: 'gre', checksum: 'csum' }, overhead: 28 },
}

/** What stands between the outer IP header and the packet inside, with that packet. `sport`: GUE's, which is a hash. */
function wrapped({ type, checksum }, inner, { source, destination, sport }) {
  if (type === 'gue') {
    // version 0, no option; what is inside is IPv4
    const payload = Buffer.concat([Buffer.from([0, 4, 0, 0]), inner])
    return udp({
      source,
      destination,
      sport,
      dport: GUE_PORT,
      payload,
      ...(checksum === 'none' ? { checksum: 0 } : {}),
    })
  }
  const bare = Buffer.from(checksum === 'none' ? '00000800' : '8000080000000000', 'hex')
  const whole = Buffer.concat([bare, inner])
  if (checksum !== 'none') whole.writeUInt16BE(internetChecksum(whole), 4)
  return whole
}

/** The packet, one hop older, in its tunnel. */
function tunnelled(tunnel, inner, { source = DIRECTOR, destination = SERVER, sport } = {}) {
  const ttl = (inner.ttl ?? 64) - 1
  const df = (inner.fragment ?? 0) & Flags.DF
  return ipv4({
    source,
    destination,
    protocol: tunnel.type === 'gue' ? Protocol.UDP : 47,
    payload: wrapped(tunnel, packet({ ...inner, ttl }), { source, destination, sport }),
    ttl,
    tos: inner.tos ?? 0,
    fragment: df,
    id: df ? 0 : (inner.id ?? 0x1234),
  })
}

/** GUE's source port, out of the frame that left. */
const sourcePort = (frame) => frame.readUInt16BE(ETH_LEN + 20)

let lastPort = 8000

for (const [name, { tunnel, overhead }] of Object.entries(kinds)) {
  const serve = (t, { protocol = 'tcp', address = SERVER } = {}) => {
    lastPort += 1
    const key = bench.serve({ protocol, port: lastPort }, { method: 'tunnel', address, tunnel })
    t.after(() => bench.stop(key))
    return { protocol, source: CLIENT, destination: VIP, sport: freshPort(), dport: lastPort }
  }

  for (const protocol of ['tcp', 'udp'])
    test(`${name}, ${protocol}: the outer headers`, (t) => {
      const request = { ...serve(t, { protocol }), payload: bytes(33) }
      for (const more of [
        {},
        { flags: 'ack', fragment: Flags.DF },
        { flags: 'ack', ttl: 2, tos: 0xb8 },
        { flags: 'ack', tos: 0x02 /* ECT(0) */ },
        { flags: 'ack', options: Buffer.from('94040000', 'hex') },
        { flags: 'ack', payload: bytes(1000), id: 0xffff },
        ...(protocol === 'udp' ? [{ checksum: 0 }, { checksum: 0, payload: bytes(1001) }, { payload: bytes(0) }] : []),
      ]) {
        const sent = { ...request, ...more }
        const got = bench.send(arrives(CLIENT, 'eth0', packet(sent)))
        assert.equal(got.verdict, Verdict.REDIRECT)
        const sport = sourcePort(got.frame)
        if (tunnel.type === 'gue') assert.ok(sport >= 32768 && sport <= 60999, `${sport} is a local port`)
        assertFrame(got.frame, leaves('eth1', SERVER, tunnelled(tunnel, sent, { sport })), JSON.stringify(more))
      }
    })

  test(`${name}: every checksum is right`, (t) => {
    const request = serve(t, { protocol: 'udp' })
    for (let i = 0; i < 300; i += 1) {
      const sent = { ...request, payload: bytes(i, i + 1), id: (i * 211) & 0xffff, ttl: 2 + (i % 250) }
      if (i % 3 === 0) sent.checksum = 0
      const { frame } = bench.send(arrives(CLIENT, 'eth0', packet(sent)))
      const expected = tunnelled(tunnel, sent, { sport: sourcePort(frame) })
      assertFrame(frame, leaves('eth1', SERVER, expected), `packet ${i}`)
    }
  })

  test(`${name}: fragments are tunnelled one by one`, (t) => {
    const request = serve(t, { protocol: 'udp' })
    const whole = udp({ ...request, payload: bytes(64) })
    for (const [payload, fragment] of [
      [whole.subarray(0, 40), Flags.MF],
      [whole.subarray(40), 5],
    ]) {
      const inner = { source: CLIENT, destination: VIP, protocol: Protocol.UDP, payload, fragment, id: 77 }
      const got = bench.send(arrives(CLIENT, 'eth0', ipv4(inner)))
      assert.equal(got.verdict, Verdict.REDIRECT)
      const [source, destination] = [DIRECTOR, SERVER]
      const outer = ipv4({
        ...{ source, destination, protocol: tunnel.type === 'gue' ? Protocol.UDP : 47, id: 77, ttl: 63 },
        payload: wrapped(tunnel, ipv4({ ...inner, ttl: 63 }), { source, destination, sport: sourcePort(got.frame) }),
      })
      assertFrame(got.frame, leaves('eth1', SERVER, outer))
    }
  })

  test(`${name}: the size is judged with the outer headers`, (t) => {
    const request = { ...serve(t, { address: SERVER_NARROW }), fragment: Flags.DF }
    bench.send(arrives(CLIENT, 'eth0', packet(request)))
    const full = NARROW_MTU - overhead - 40
    const fits = { ...request, flags: 'ack', payload: bytes(full) }
    const { frame } = bench.send(arrives(CLIENT, 'eth0', packet(fits)))
    const out = { source: '198.18.2.1', destination: SERVER_NARROW, sport: sourcePort(frame) }
    assertFrame(frame, leaves('eth2', SERVER_NARROW, tunnelled(tunnel, fits, out)))
    const big = packet({ ...fits, payload: bytes(full + 1) })
    const told = bench.send(arrives(CLIENT, 'eth0', big))
    const error = {
      ...{ source: VIP, destination: CLIENT, type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED },
      ...{ info: NARROW_MTU - overhead, quote: big.subarray(0, 548), tos: 0xc0, id: 0 },
    }
    assertFrame(told.frame, leaves('eth0', CLIENT, icmpError(error)))
  })

  test(`${name}: a router's "too big" about the tunnel reaches the client as one about its own packet`, (t) => {
    const request = { ...serve(t), fragment: Flags.DF }
    const sent = packet(request)
    const { frame } = bench.send(arrives(CLIENT, 'eth0', sent))
    const quote = frame.subarray(ETH_LEN)
    const about = (info, more) =>
      arrives(SERVER, 'eth1', icmpError({ ...{ source: SERVER, destination: DIRECTOR }, info, quote, ...more }))
    const told = bench.send(about(1300, { type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED }), { device: 'eth1' })
    // what is quoted is the packet as it went into the tunnel, one hop older
    const inner = packet({ ...request, ttl: 63 })
    const expected = (type, code, info) =>
      icmpError({ ...{ source: VIP, destination: CLIENT, type, code, info }, quote: inner, tos: 0xc0, id: 0 })
    assertFrame(told.frame, leaves('eth0', CLIENT, expected(Icmp.UNREACHABLE, Icmp.FRAG_NEEDED, 1300 - overhead)))
    const expired = bench.send(about(0, { type: Icmp.TIME_EXCEEDED, code: 0 }), { device: 'eth1' })
    assertFrame(expired.frame, leaves('eth0', CLIENT, expected(Icmp.TIME_EXCEEDED, 0, 0)))
  })

  test(`${name}: an error about a packet of another tunnel is not ours`, (t) => {
    const request = serve(t)
    const { frame } = bench.send(arrives(CLIENT, 'eth0', packet(request)))
    const quote = Buffer.from(frame.subarray(ETH_LEN))
    // another version of GUE, another protocol inside GRE
    if (tunnel.type === 'gue') quote[28] = 0x40
    else quote[23] ^= 1
    bench.assertUntouched(
      arrives(
        SERVER,
        'eth1',
        icmpError({
          ...{ source: SERVER, destination: DIRECTOR, type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED },
          ...{ info: 1300, quote },
        }),
      ),
      { device: 'eth1' },
    )
  })

  test(`${name}: pmtu_disc 0 leaves DF out, and what is too big goes to the stack to be fragmented`, (t) => {
    const request = { ...serve(t, { address: SERVER_NARROW }), fragment: Flags.DF }
    bench.edit((director) => director.setSysctl('pmtu_disc', '0'))
    t.after(() => bench.edit((director) => director.setSysctl('pmtu_disc', '1')))
    bench.send(arrives(CLIENT, 'eth0', packet(request)))
    let got
    const counted = bench.counted(() => {
      got = bench.send(arrives(CLIENT, 'eth0', packet({ ...request, flags: 'ack', payload: bytes(NARROW_MTU - 40) })))
    })
    assert.equal(got.verdict, Verdict.REDIRECT)
    assert.deepEqual(counted, { TO_STACK: 1 })
    assert.equal(got.frame.readUInt16BE(ETH_LEN + 6), 0, 'the outer header has no DF')
    assert.equal(got.frame.readUInt16BE(ETH_LEN + overhead + 6), Flags.DF, 'the inner one still has')
  })
}

/** What of a tunnel packet may differ from the kernel's: the outer id, and GUE's source port, with what sums them up. */
function comparable(packet, kind) {
  const copy = Buffer.from(packet)
  copy.writeUInt16BE(0, 4)
  copy.writeUInt16BE(0, 10)
  if (kind.startsWith('gue')) {
    const check = copy.readUInt16BE(26)
    // ~(~check - port), RFC 1624; a datagram without a checksum keeps none
    const without = Buffer.alloc(4)
    without.writeUInt16BE(~check & 0xffff, 0)
    without.writeUInt16BE(~copy.readUInt16BE(20) & 0xffff, 2)
    if (check) copy.writeUInt16BE(internetChecksum(without), 26)
    copy.writeUInt16BE(0, 20)
  }
  return copy.toString('hex')
}

const recorded = JSON.parse(readFileSync(new URL('../golden/packets.json', import.meta.url), 'utf8')).tunnels
for (const kind of new Set(recorded.map((one) => one.tunnel)))
  test(`${kind}: as kernel IPVS wrote it`, (t) => {
    const [type, checksum = 'none'] = kind.split(' ')
    const tunnel = type === 'ipip' ? { type } : { type, checksum, ...(type === 'gue' ? { port: 6080 } : {}) }
    for (const protocol of ['tcp', 'udp', 'sctp']) {
      const key = bench.serve({ protocol, port: 80 }, { method: 'tunnel', tunnel })
      t.after(() => bench.stop(key))
    }
    for (const { what, sent, got } of recorded.filter((one) => one.tunnel === kind)) {
      const { frame } = bench.send(arrives(CLIENT, 'eth0', Buffer.from(sent, 'hex')))
      // a wrong checksum inside makes ours wrong too, as the packet is not read
      if (what !== 'udp, wrong checksum')
        assert.equal(comparable(frame.subarray(ETH_LEN), kind), comparable(Buffer.from(got[0], 'hex'), kind), what)
    }
  })

test('gue: a flow keeps its source port, and flows differ', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 7999 }, { method: 'tunnel', tunnel: kinds['gue:-c'].tunnel })
  t.after(() => bench.stop(key))
  const seen = new Map()
  for (let i = 0; i < 100; i += 1) {
    const request = { protocol: 'udp', source: CLIENT, destination: VIP, sport: 30000 + (i % 50), dport: 7999 }
    const { frame } = bench.send(arrives(CLIENT, 'eth0', packet({ ...request, payload: bytes(i) })))
    const port = sourcePort(frame)
    assert.equal(seen.get(request.sport) ?? port, port)
    seen.set(request.sport, port)
  }
  assert.ok(new Set(seen.values()).size > 40, 'fifty flows hardly share ports')
})
