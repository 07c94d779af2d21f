// What the fast path leaves to TC although the connection is known, and ways out that differ: every byte stays as it came.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SluiceKind, SluiceStatus, SluiceTemplate } from '../../dist/datapath/index.js'
import {
  arrives,
  Bench,
  CLIENT,
  DIRECTOR,
  freshPort,
  icmpError,
  leaves,
  networks,
  packet,
  SERVER,
  SERVER_COLD,
  SERVER_NARROW,
  Verdict,
  VIP,
  Xdp,
} from '../lib/bench.mjs'
import { assertFrame, bytes, ETH_LEN, Icmp, icmp, ipv4, Protocol } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
  bench.openFast({ deaf: ['eth2'] })
})
after(() => bench?.close())

let lastPort = 1000

/** A service and a connection to it that TC began: gives what sends further packets of it. */
function connect(t, { service = {}, server = {}, protocol = 'udp', net = networks[0], flags = 'ack' } = {}) {
  bench.net = net
  lastPort += 1
  const port = lastPort
  const key = bench.serve({ protocol, port, ...service }, server)
  t.after(() => bench.stop(key))
  const sport = freshPort()
  const request = (more = {}) =>
    packet({
      protocol,
      source: net.CLIENT,
      destination: net.VIP,
      sport,
      dport: port,
      payload: bytes(20),
      flags,
      ...more,
    })
  const sent = bench.send(arrives(net.CLIENT, 'eth0', request({ flags: 'syn' })))
  assert.equal(sent.verdict, Verdict.REDIRECT)
  return { key, port, sport, sent, request, data: (more) => arrives(net.CLIENT, 'eth0', request(more)) }
}

function assertTaken(data, device = 'eth0') {
  let got
  const counted = bench.counted(() => {
    got = bench.sendFast(data, { device })
  })
  assert.equal(got.verdict, Xdp.REDIRECT)
  assert.deepEqual(counted, { XDP_FORWARDED: 1 })
  return got.frame
}

function assertLeft(data, { device = 'eth0', known = true } = {}) {
  let got
  const counted = bench.counted(() => {
    got = bench.sendFast(data, { device })
  })
  assert.equal(got.verdict, Xdp.PASS)
  assertFrame(got.frame, data, 'a packet that is left to TC')
  assert.deepEqual(counted, known ? { XDP_LEFT: 1 } : {})
}

describe('ways out', () => {
  test('a next hop whose link address is not known: TC resolves it', (t) => {
    assertLeft(connect(t, { server: { address: SERVER_COLD } }).data())
  })

  test('a device that takes no frames of XDP', (t) => {
    assertLeft(connect(t, { server: { address: SERVER_NARROW } }).data())
  })

  test('back by the device that it came in by: XDP_TX', (t) => {
    const c = connect(t)
    const data = bench.sendFast(arrives(CLIENT, 'eth1', c.request()), { device: 'eth1' })
    assert.equal(data.verdict, Xdp.TX)
    assertFrame(
      data.frame,
      leaves(
        'eth1',
        SERVER,
        packet({
          ...{ protocol: 'udp', source: CLIENT, destination: SERVER, ttl: 63 },
          ...{ sport: c.sport, dport: c.port, payload: bytes(20) },
        }),
      ),
    )
  })

  test('back by a device that wants it redirected; by one that takes none', (t) => {
    const c = connect(t)
    const record = bench.table.fastDevice(bench.ifindex.eth1)
    const { takes } = record
    t.after(() => {
      record.takes = takes
    })
    record.takes = 1
    assert.equal(bench.sendFast(arrives(CLIENT, 'eth1', c.request()), { device: 'eth1' }).verdict, Xdp.REDIRECT)
    record.takes = 0
    assertLeft(arrives(CLIENT, 'eth1', c.request()), { device: 'eth1' })
  })

  test('a device of which nothing is known', (t) => {
    const c = connect(t)
    const record = bench.table.fastDevice(bench.ifindex.eth0)
    record.ifindex += 4096
    t.after(() => {
      record.ifindex -= 4096
    })
    assertLeft(c.data(), { known: false })
  })

  test('a client on the director', (t) => {
    bench.net = networks[0]
    const key = bench.serve({ protocol: 'udp', port: 900 }, {})
    t.after(() => bench.stop(key))
    const sport = freshPort()
    const request = { protocol: 'udp', source: VIP, destination: VIP, sport, dport: 900 }
    bench.send(arrives('lo', 'lo', packet(request)), { device: 'lo' })
    const reply = { protocol: 'udp', source: SERVER, destination: VIP, sport: 900, dport: sport }
    assertLeft(arrives(SERVER, 'eth1', packet(reply)), { device: 'eth1' })
  })
})

describe('connections', () => {
  test('of a server that was deleted', (t) => {
    const c = connect(t)
    assertTaken(c.data())
    bench.edit((director) => director.deleteServer(c.key, { address: SERVER, port: c.port }))
    assertLeft(c.data())
  })

  test('that ended', (t) => {
    const c = connect(t)
    bench.setTimeout('UDP', 0)
    t.after(() => bench.setTimeout('UDP', 300))
    assertTaken(c.data())
    for (let i = 0; i < 400 && bench.connection(c.sport); i += 1)
      bench.within(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25))
    assertLeft(c.data(), { known: false })
  })

  test('with one-packet scheduling there is none', (t) => {
    assertLeft(connect(t, { service: { onePacket: true } }).data(), { known: false })
  })

  test('whose bytes are changed: the PROXY header, TOA, FTP', (t) => {
    for (const clientAddress of ['proxy', 'toa']) {
      const c = connect(t, {
        ...{ protocol: 'tcp', service: { localAddresses: [DIRECTOR] } },
        server: { method: 'fullnat', clientAddress },
      })
      assertLeft(c.data())
    }
    bench.net = networks[0]
    const key = bench.serve({ protocol: 'tcp', port: 21 }, {})
    t.after(() => bench.stop(key))
    const control = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 21 }
    bench.send(arrives(CLIENT, 'eth0', packet({ ...control, flags: 'syn' })))
    assertLeft(arrives(CLIENT, 'eth0', packet({ ...control, flags: 'ack' })))
  })

  test('of SCTP', (t) => {
    bench.net = networks[0]
    const key = bench.serve({ protocol: 'sctp', port: 3868 }, {})
    t.after(() => bench.stop(key))
    const ends = { protocol: 'sctp', source: CLIENT, destination: VIP, sport: freshPort(), dport: 3868 }
    bench.send(arrives(CLIENT, 'eth0', packet({ ...ends, chunks: ['INIT'] })))
    assertLeft(arrives(CLIENT, 'eth0', packet({ ...ends, chunks: ['DATA'] })), { known: false })
  })

  test('of tunnels with a checksum, and GUE, whose source port the stack chooses', (t) => {
    for (const tunnel of [
      { type: 'gue', port: 6080 },
      { type: 'gue', port: 6080, checksum: 'csum' },
      { type: 'gre', checksum: 'csum' },
    ])
      assertLeft(connect(t, { server: { method: 'tunnel', tunnel } }).data())
  })

  test('under secure_tcp, as by TC', (t) => {
    const c = connect(t, { protocol: 'tcp', server: { method: 'route' } })
    bench.send(c.data())
    assertTaken(c.data())
    // the first look of the timer makes it so
    bench.table.settings.secureTcp = 1
    t.after(() => {
      bench.table.settings.secureTcp = 0
    })
    assertTaken(c.data())
  })

  test('a state that the packet would change: FIN_WAIT, SYN_RECV', (t) => {
    const c = connect(t, { protocol: 'tcp' })
    assert.equal(bench.connection(c.sport).state, 'SYN_RECV')
    assertLeft(c.data())
    bench.send(c.data())
    assertTaken(c.data())
    assertLeft(c.data({ flags: 'fin ack' }), { known: false })
    bench.send(c.data({ flags: 'fin ack' }))
    assert.equal(bench.connection(c.sport).state, 'CLOSE_WAIT')
    // an acknowledgement leaves CLOSE_WAIT as it is
    const [before_, expires] = [bench.connection(c.sport).state, bench.connection(c.sport).expires]
    assertTaken(c.data())
    assert.equal(bench.connection(c.sport).state, before_)
    assert.ok(Math.abs(Number(bench.connection(c.sport).expires) - Number(expires)) < 2)
  })

  test('persistent: the template that was not yet assured becomes so by a reply', (t) => {
    const c = connect(t, { service: { persistence: { timeout: 60 } } })
    const assured = () =>
      [...bench.table.connections()]
        .filter(({ connection }) => connection.kind === SluiceKind.TEMPLATE && connection.vport === c.port)
        .map(({ connection }) => (connection.status & SluiceStatus.STATE_MASK) === SluiceTemplate.ASSURED)
    assert.deepEqual(assured(), [false])
    const reply = { protocol: 'udp', source: SERVER, destination: CLIENT, sport: c.port, dport: c.sport }
    assertTaken(arrives(SERVER, 'eth1', packet(reply)), 'eth1')
    assert.deepEqual(assured(), [true])
  })
})

describe('packets', () => {
  test('ICMP errors about a connection, and pings', (t) => {
    const c = connect(t)
    const quote = packet({ protocol: 'udp', source: CLIENT, destination: SERVER, sport: c.sport, dport: c.port })
    const error = { source: SERVER, destination: CLIENT, type: Icmp.UNREACHABLE, code: Icmp.PORT, quote }
    assertLeft(arrives(SERVER, 'eth1', icmpError(error)), { device: 'eth1', known: false })
    const ping = icmp({ type: Icmp.ECHO, code: 0, payload: bytes(8) })
    const data = ipv4({ source: CLIENT, destination: VIP, protocol: Protocol.ICMP, payload: ping })
    assertLeft(arrives(CLIENT, 'eth0', data), { known: false })
  })

  test('a frame cut off anywhere in the headers', (t) => {
    const c = connect(t)
    for (let length = ETH_LEN; length < ETH_LEN + 48; length += 1)
      assertLeft(c.data().subarray(0, length), { known: false })
  })
})

describe('tunnels of another family than the service', () => {
  for (const [inside, outside] of [
    [networks[0], networks[1]],
    [networks[1], networks[0]],
  ])
    test(`${inside.family} in ${outside.family}`, (t) => {
      const c = connect(t, { net: inside, server: { method: 'tunnel', address: outside.SERVER } })
      const tc = bench.send(c.data())
      const frame = assertTaken(c.data())
      if (outside.family === 'IPv4') {
        // the outer id of a packet that had none is chance
        for (const each of [tc.frame, frame]) {
          const header = each.subarray(ETH_LEN, ETH_LEN + 20)
          let sum = 0
          for (let i = 0; i < 20; i += 2) sum += header.readUInt16BE(i)
          assert.equal(((sum & 0xffff) + (sum >> 16)) & 0xffff, 0xffff, "the outer header's checksum")
          header.fill(0, 4, 6)
          header.fill(0, 10, 12)
        }
      }
      assertFrame(frame, tc.frame)
    })
})
