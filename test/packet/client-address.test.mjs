// Full NAT that tells the server of its client, packet by packet: a PROXY protocol header of version 2, or a TCP option.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  arrives,
  Bench,
  CLIENT,
  DIRECTOR,
  freshPort,
  icmpError,
  leaves,
  packet,
  SERVER,
  Verdict,
  VIP,
} from '../lib/bench.mjs'
import { address, assertFrame, bytes, Flags, Icmp } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const ISN = 0xfffffff0 // so that numbers pass zero
const SERVER_ISN = 5000
const add = (seq, more) => (seq + more) >>> 0

/** The header as the protocol's description has it (section 2.2): TCP over IPv4. */
function proxyHeader(sport, dport) {
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(sport, 0)
  ports.writeUInt16BE(dport, 2)
  return Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex'), address(CLIENT), address(VIP), ports])
}
const HEADER = 28

const nops = (...options) => Buffer.concat([Buffer.from([1, 1]), ...options])
/** RFC 7323 and RFC 2018. */
const timestamps = nops(Buffer.from([8, 10, 0, 0, 1, 2, 0, 0, 3, 4]))
const sack = (...edges) => {
  const option = Buffer.alloc(2 + edges.length * 4)
  option[0] = 5
  option[1] = option.length
  edges.forEach((edge, i) => {
    option.writeUInt32BE(edge, 2 + i * 4)
  })
  return option
}

/** A connection by full NAT, its SYN gone through: how its packets arrive, and how they leave. */
function connect(t, port, clientAddress) {
  const key = bench.serve({ port, localAddresses: [DIRECTOR] }, { method: 'fullnat', clientAddress })
  t.after(() => bench.stop(key))
  const sport = freshPort()
  const client = { source: CLIENT, destination: VIP, sport, dport: port }
  const syn = { ...client, flags: 'syn', seq: ISN }
  const got = bench.send(arrives(CLIENT, 'eth0', packet(syn)))
  const lport = got.frame.readUInt16BE(34)
  const sent = { source: DIRECTOR, destination: SERVER, sport: lport, dport: port, ttl: 63 }
  assertFrame(got.frame, leaves('eth1', SERVER, packet({ ...syn, ...sent })), 'the SYN is as the client’s')
  const server = { source: SERVER, destination: DIRECTOR, sport: port, dport: lport }
  const back = { source: VIP, destination: CLIENT, sport: port, dport: sport, ttl: 63 }
  const up = (more, options) => bench.send(arrives(CLIENT, 'eth0', packet({ ...client, ...more })), options)
  const down = (more) => bench.send(arrives(SERVER, 'eth1', packet({ ...server, ...more })), { device: 'eth1' })
  return {
    sport,
    lport,
    up,
    down,
    assertUp: (more, expected, what, options) => {
      const out = up(more, options)
      assert.equal(out.verdict, Verdict.REDIRECT, what)
      assertFrame(out.frame, leaves('eth1', SERVER, packet({ ...more, ...sent, ...expected })), what)
    },
    assertDown: (more, expected, what) => {
      const out = down(more)
      assert.equal(out.verdict, Verdict.REDIRECT, what)
      assertFrame(out.frame, leaves('eth0', CLIENT, packet({ ...more, ...back, ...expected })), what)
    },
  }
}

test('PROXY protocol', async (t) => {
  const c = connect(t, 80, 'proxy')
  const payload = proxyHeader(c.sport, 80)
  const header = { flags: 'ack psh', seq: add(ISN, 1), payload }

  await t.test('the server’s SYN goes to the client with the client’s own number', () => {
    c.assertDown({ flags: 'syn ack', seq: SERVER_ISN, ack: add(ISN, 1) }, {}, 'SYN ACK')
  })

  await t.test('the client’s first acknowledgement brings the header', () => {
    const ack = { flags: 'ack', seq: add(ISN, 1), ack: SERVER_ISN + 1, tcpOptions: timestamps }
    c.assertUp(ack, header, 'acknowledgement')
    c.assertUp(ack, header, 'and again, until the server has it')
  })

  await t.test('the client’s first bytes follow behind it', () => {
    const data = { flags: 'ack psh', seq: add(ISN, 1), ack: SERVER_ISN + 1, payload: bytes(40), tcpOptions: timestamps }
    c.assertUp(data, { seq: add(ISN, 1 + HEADER) }, 'first bytes')
    const more = { ...data, seq: add(ISN, 41), payload: bytes(33) }
    c.assertUp(more, { seq: add(ISN, 41 + HEADER) }, 'more bytes')
    // beside the bytes, which are sent by a copy that the bench does not see
    c.assertUp(data, header, 'first bytes sent again bring the header again')
  })

  await t.test('an acknowledgement of the header alone acknowledges nothing that the client sent', () => {
    const none = { ack: add(ISN, 1) }
    c.assertDown({ flags: 'ack', seq: SERVER_ISN + 1, ack: add(ISN, 1) }, none, 'nothing')
    c.assertDown({ flags: 'ack', seq: SERVER_ISN + 1, ack: add(ISN, 1 + 5) }, none, 'a part of the header')
    // bytes that came before the header: SACK says so in the client's numbers
    const blocks = { flags: 'ack', seq: SERVER_ISN + 1, ack: add(ISN, 1) }
    c.assertDown(
      { ...blocks, tcpOptions: nops(sack(add(ISN, 1 + HEADER), add(ISN, 74 + HEADER))) },
      { ...none, tcpOptions: nops(sack(add(ISN, 1), add(ISN, 74))) },
      'SACK',
    )
    c.assertDown({ flags: 'ack', seq: SERVER_ISN + 1, ack: add(ISN, 1 + HEADER) }, none, 'the header')
  })

  await t.test('from then on numbers are translated, and nothing else', () => {
    const again = { flags: 'ack psh', seq: add(ISN, 1), ack: SERVER_ISN + 1, payload: bytes(40) }
    c.assertUp(again, { seq: add(ISN, 1 + HEADER) }, 'bytes sent again')
    c.assertDown({ flags: 'ack', seq: SERVER_ISN + 1, ack: add(ISN, 74 + HEADER) }, { ack: add(ISN, 74) }, 'ack')
    const data = { flags: 'ack psh', seq: SERVER_ISN + 1, ack: add(ISN, 74 + HEADER), payload: bytes(99) }
    c.assertDown(data, { ack: add(ISN, 74) }, 'an answer')
    for (const pad of [0, 1]) {
      // an option that stands at an odd place
      const options = (...edges) => Buffer.concat([Buffer.alloc(2 + pad, 1), sack(...edges), Buffer.alloc(pad ? 3 : 0)])
      c.assertDown(
        {
          ...data,
          payload: undefined,
          flags: 'ack',
          tcpOptions: options(add(ISN, 200), add(ISN, 300), add(ISN, 400), add(ISN, 500)),
        },
        {
          ack: add(ISN, 74),
          tcpOptions: options(...[200, 300, 400, 500].map((place) => add(ISN, place - HEADER))),
        },
        `SACK blocks ${pad}`,
      )
    }
    const big = { flags: 'ack', seq: add(ISN, 74), ack: SERVER_ISN + 100, payload: bytes(2720), fragment: Flags.DF }
    c.assertUp(big, { seq: add(ISN, 74 + HEADER) }, 'a GSO packet', { gsoSize: 1360, gsoSegs: 2 })
    c.assertUp({ flags: 'fin ack', seq: add(ISN, 2794), ack: 1 }, { seq: add(ISN, 2794 + HEADER) }, 'FIN')
    c.assertUp({ flags: 'rst', seq: add(ISN, 2795) }, { seq: add(ISN, 2795 + HEADER) }, 'RST')
  })

  await t.test('an ICMP error says the number that the client sent', () => {
    const quoted = { source: DIRECTOR, destination: SERVER, sport: c.lport, dport: 80, flags: 'ack', ttl: 63 }
    const own = { source: CLIENT, destination: VIP, sport: c.sport, dport: 80, flags: 'ack', ttl: 63 }
    const inside = packet({ ...quoted, seq: add(ISN, 100 + HEADER), payload: bytes(20) })
    const error = { type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED, info: 1400 }
    const got = bench.send(
      arrives(SERVER, 'eth1', icmpError({ source: SERVER, destination: DIRECTOR, ...error, quote: inside })),
      { device: 'eth1' },
    )
    const quote = packet({ ...own, seq: add(ISN, 100), payload: bytes(20) })
    inside.copy(quote, 36, 36, 38)
    assertFrame(
      got.frame,
      leaves('eth0', CLIENT, icmpError({ source: VIP, destination: CLIENT, ttl: 63, ...error, quote })),
    )
  })
})

test('PROXY protocol: a client that sends its bytes with its first acknowledgement', (t) => {
  const c = connect(t, 81, 'proxy')
  c.down({ flags: 'syn ack', seq: SERVER_ISN, ack: add(ISN, 1) })
  // cut down to what the header needs, options kept
  const data = { flags: 'ack psh', seq: add(ISN, 1), ack: SERVER_ISN + 1, payload: bytes(1000), tcpOptions: timestamps }
  const header = { flags: 'ack psh', payload: proxyHeader(c.sport, 81) }
  c.assertUp(data, header, 'the header beside a longer packet')
  c.assertUp({ ...data, payload: bytes(3) }, header, 'beside a shorter one')
  c.assertUp({ ...data, payload: bytes(28) }, header, 'beside one of its own length')
  c.assertUp({ ...data, payload: bytes(900) }, header, 'beside a GSO packet', { gsoSize: 450, gsoSegs: 2 })
})

test('PROXY protocol: data in the SYN is left for the client to send again', (t) => {
  const c = connect(t, 82, 'proxy')
  const syn = { flags: 'syn', seq: ISN, payload: bytes(100), tcpOptions: timestamps }
  c.assertUp(syn, { payload: undefined }, 'SYN')
})

test('PROXY protocol: a client that begins again from the same port', (t) => {
  const c = connect(t, 83, 'proxy')
  c.up({ flags: 'ack', seq: add(ISN, 1), ack: SERVER_ISN + 1 })
  c.assertUp({ flags: 'syn', seq: 777 }, {}, 'another SYN')
  const header = { flags: 'ack psh', payload: proxyHeader(c.sport, 83) }
  c.assertUp({ flags: 'ack', seq: 778, ack: SERVER_ISN + 1 }, header, 'its acknowledgement')
})

test('TOA: the client’s address and port in a TCP option', async (t) => {
  const c = connect(t, 84, 'toa')
  const option = Buffer.concat([Buffer.from([254, 8, c.sport >> 8, c.sport & 255]), address(CLIENT)])
  c.assertDown({ flags: 'syn ack', seq: SERVER_ISN, ack: add(ISN, 1) }, {}, 'SYN ACK')

  await t.test('of the client’s first acknowledgement', () => {
    const ack = { flags: 'ack', seq: add(ISN, 1), ack: SERVER_ISN + 1 }
    c.assertUp(ack, { tcpOptions: option }, 'without options of its own')
    c.assertUp({ ...ack, tcpOptions: timestamps }, { tcpOptions: Buffer.concat([timestamps, option]) }, 'behind them')
    const full = Buffer.concat([timestamps, Buffer.alloc(24, 1)])
    c.assertUp({ ...ack, tcpOptions: full }, {}, 'no room: as it is')
  })

  await t.test('bytes are sent as they are', () => {
    c.assertUp({ flags: 'ack psh', seq: add(ISN, 1), ack: SERVER_ISN + 1, payload: bytes(30) }, {}, 'bytes')
  })

  await t.test('bytes that are sent again follow an acknowledgement with the option', () => {
    const data = { flags: 'ack psh', seq: add(ISN, 1), ack: SERVER_ISN + 1, payload: bytes(30) }
    c.assertUp(data, { flags: 'ack', payload: undefined, tcpOptions: option }, 'first the option')
    c.assertUp(data, {}, 'then, come in by themselves, the bytes')
  })

  await t.test('not after the server’s first packet of the open connection', () => {
    c.assertDown({ flags: 'ack', seq: SERVER_ISN + 1, ack: add(ISN, 31) }, {}, 'ack')
    c.assertUp({ flags: 'ack', seq: add(ISN, 1), ack: SERVER_ISN + 1 }, {}, 'ack')
    c.assertUp({ flags: 'ack psh', seq: add(ISN, 1), ack: SERVER_ISN + 1, payload: bytes(30) }, {}, 'bytes again')
  })
})

test('a connection’s end takes its account of numbers away', (t) => {
  const c = connect(t, 85, 'proxy')
  c.down({ flags: 'syn ack', seq: SERVER_ISN, ack: add(ISN, 1) })
  c.up({ flags: 'ack', seq: add(ISN, 1), ack: SERVER_ISN + 1 })
  c.up({ flags: 'rst ack', seq: add(ISN, 1), ack: SERVER_ISN + 1 })
  // begun anew in the same place, with other numbers
  const syn = { source: CLIENT, destination: VIP, sport: c.sport, dport: 85, flags: 'syn', seq: 99 }
  assert.equal(bench.send(arrives(CLIENT, 'eth0', packet(syn))).verdict, Verdict.REDIRECT)
  const ack = { ...syn, flags: 'ack', seq: 100, ack: 1 }
  const got = bench.send(arrives(CLIENT, 'eth0', packet(ack)))
  assert.equal(got.frame.readUInt32BE(38), 100)
  assert.deepEqual(got.frame.subarray(54), proxyHeader(c.sport, 85))
})

test('the client’s address is told to servers of TCP behind full NAT, and to no others', () => {
  const refused = (protocol, options) =>
    assert.throws(() => bench.serve({ protocol, port: 90 }, options), { errno: 'EINVAL' })
  refused('tcp', { method: 'masq', clientAddress: 'proxy' })
  bench.stop({ protocol: 'tcp', address: VIP, port: 90 })
  refused('udp', { method: 'fullnat', clientAddress: 'toa' })
  bench.stop({ protocol: 'udp', address: VIP, port: 90 })
})
