// The fast path, packet by packet: what XDP makes of a packet of a known connection is what TC makes of it, byte for byte,
// and does to the connection and the counters what TC does. All else it leaves as it came.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { arrives, Bench, freshPort, Mac, networks, packet, Verdict, Xdp } from '../lib/bench.mjs'
import { assertFrame, bytes, dotted, ETH_LEN, Flags, frame, Protocol } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
  bench.openFast()
})
after(() => bench?.close())

const PORT = 80
const SERVER_PORT = 8080

/** Of a connection, what packets change; its time to live, to the second. */
function traits({ state, packets, expires, method }) {
  return { state, packets, expires: Math.round(Number(expires)), method }
}

/** What both hooks do to the table: counters of the service and its server, and the connection. */
function marks(key, sport, client) {
  const service = bench.service(key)
  const { active, inactive, counters } = service.servers[0]
  const connection = bench.connection(sport, client)
  return { service: service.counters, server: counters, active, inactive, connection: connection && traits(connection) }
}

const difference = (before_, after_) =>
  Object.fromEntries(Object.keys(after_).map((name) => [name, after_[name] - before_[name]]))

/** What a packet adds to the table by one hook. */
function effect(key, sport, client, work) {
  const one = marks(key, sport, client)
  const result = work()
  const two = marks(key, sport, client)
  return {
    result,
    effect: {
      service: difference(one.service, two.service),
      server: difference(one.server, two.server),
      counts: [two.active - one.active, two.inactive - one.inactive],
      state: two.connection?.state,
      expires: two.connection?.expires,
    },
  }
}

/** Both hooks are given the same frame: the same leaves, and the same happens to the table. */
function assertSame(data, { key, sport, client, device = 'eth0' }, about) {
  // one complete checksum of 65,535 looks like one that is left to the device
  if (looksPartial(data)) return
  const tc = effect(key, sport, client, () => bench.send(data, { device }))
  assert.equal(tc.result.verdict, Verdict.REDIRECT, `TC, ${about}`)
  let xdp
  const counted = bench.counted(() => {
    xdp = effect(key, sport, client, () => bench.sendFast(data, { device }))
  })
  assert.equal(xdp.result.verdict, Xdp.REDIRECT, `XDP, ${about}`)
  assertFrame(xdp.result.frame, tc.result.frame, about)
  assert.deepEqual(xdp.effect, tc.effect, about)
  assert.deepEqual(counted, { XDP_FORWARDED: 1 }, about)
}

/** Not a byte changes, and nothing happens to the table; `known`: the packet's connection is. */
function assertLeft(data, { key, sport, client, device = 'eth0', known = false }, about) {
  let xdp
  const counted = bench.counted(() => {
    xdp = effect(key, sport, client, () => bench.sendFast(data, { device }))
  })
  assert.equal(xdp.result.verdict, Xdp.PASS, about)
  assertFrame(xdp.result.frame, data, about)
  const nothing = Object.values({ ...xdp.effect.service, ...xdp.effect.server })
  assert.ok(
    nothing.every((n) => Number(n) === 0),
    `${about}: a counter moves`,
  )
  assert.deepEqual(counted, known ? { XDP_LEFT: 1 } : {}, about)
}

/** The methods, with the wire that a request of each goes out by. */
const methods = [
  { name: 'NAT', server: { method: 'masq', port: SERVER_PORT }, back: 'nat' },
  { name: 'full NAT', server: { method: 'fullnat', port: SERVER_PORT }, back: 'fullnat' },
  { name: 'direct routing', server: { method: 'route' } },
  { name: 'IPIP tunnel', server: { method: 'tunnel' } },
  { name: 'GRE tunnel', server: { method: 'tunnel', tunnel: { type: 'gre' } } },
]

for (const net of networks)
  for (const protocol of ['tcp', 'udp'])
    for (const { name, server, back } of methods)
      describe(`${name}, ${net.family}, ${protocol}`, () => {
        const { CLIENT, CLIENT_FAR, SERVER, VIP, DIRECTOR } = net
        const sport = freshPort()
        let key
        /** With full NAT, whom the server talks to. */
        let local
        const request = (more = {}) =>
          packet({
            ...{ protocol, source: CLIENT, destination: VIP, sport, dport: PORT, flags: 'ack psh', payload: bytes(33) },
            ...more,
          })
        const about = () => ({ key, sport, client: CLIENT })

        before(() => {
          bench.net = net
          const locals = back === 'fullnat' ? { localAddresses: [DIRECTOR] } : {}
          key = bench.serve({ protocol, port: PORT, ...locals }, server)
          // a connection begins at TC
          const first = arrives(CLIENT, 'eth0', request({ flags: 'syn' }))
          assertLeft(first, about(), 'of no known connection')
          const sent = bench.send(first)
          assert.equal(sent.verdict, Verdict.REDIRECT)
          if (back === 'fullnat')
            local = { destination: DIRECTOR, dport: sent.frame.readUInt16BE(ETH_LEN + net.header) }
          if (protocol === 'tcp') {
            const ack = arrives(CLIENT, 'eth0', request({ flags: 'ack' }))
            assertLeft(ack, { ...about(), known: true }, 'the state would change')
            if (back) bench.send(answer({ flags: 'syn ack' }), { device: 'eth1' })
            bench.send(ack)
            assert.equal(bench.connection(sport, CLIENT).state, 'ESTABLISHED')
          }
        })
        after(() => bench.stop(key))

        /** A frame of the server's. */
        const answer = (more = {}) => {
          const to = local ?? { destination: CLIENT, dport: sport }
          const fields = { protocol, source: SERVER, sport: SERVER_PORT, flags: 'ack psh', payload: bytes(77) }
          return arrives(SERVER, 'eth1', packet({ ...fields, ...to, ...more }))
        }
        test('requests leave as by TC', () => {
          for (const [what, more] of [
            ['plain', {}],
            ['other TTL, class and id', { ttl: 2, tos: 0xb8, id: 0xffff }],
            ['marked for congestion', { tos: 0x03 }],
            ['large', { payload: bytes(1300) }],
            ['DF', net.family === 'IPv4' ? { fragment: Flags.DF } : {}],
            ['TCP options', protocol === 'tcp' ? { tcpOptions: Buffer.from('0101080a0102030405060708', 'hex') } : {}],
            ['no checksum', protocol === 'udp' ? { checksum: 0 } : {}],
          ]) {
            // the outer header's id is made up where IPv6 is inside
            assertSame(arrives(CLIENT, 'eth0', request(more)), about(), what)
          }
          for (let i = 0; i < 60; i += 1)
            assertSame(
              arrives(CLIENT, 'eth0', request({ payload: bytes(i % 67, i + 1), id: (i * 263) & 0xffff })),
              about(),
              `${i}`,
            )
        })

        test('the padding of a short frame is no part of the packet', () => {
          assertSame(arrives(CLIENT, 'eth0', request({ payload: bytes(1) }), { padding: 17 }), about(), 'padded')
        })

        if (back)
          test('replies leave as by TC', () => {
            const from = { ...about(), device: 'eth1' }
            for (let i = 0; i < 60; i += 1)
              assertSame(answer({ payload: bytes(i % 67, i + 3), id: (i * 263) & 0xffff, tos: i & 0xfc }), from, `${i}`)
          })

        test('every checksum: those that come out as zero too', () => {
          for (let i = 0; i < 65536; i += 8111) {
            const payload = Buffer.alloc(2)
            payload.writeUInt16BE(i)
            assertSame(arrives(CLIENT, 'eth0', request({ payload })), about(), `word ${i}`)
          }
        })

        test('what is not simple is left to TC', () => {
          const known = { ...about(), known: true }
          const left = (what, data, where) => assertLeft(data, where, what)
          const frame_ = (more) => arrives(CLIENT, 'eth0', request(more))
          left('another connection', frame_({ sport: freshPort() }), about())
          left('no hop to spare', frame_({ ttl: 1 }), about())
          left('options or extension headers', frame_(net.options), about())
          left('cut short', frame_().subarray(0, frame_().length - 1), about())
          left('for another host', frame({ to: '02:00:00:00:00:77', from: Mac[CLIENT], packet: request() }), about())
          left('for all', frame({ to: 'ff:ff:ff:ff:ff:ff', from: Mac[CLIENT], packet: request() }), about())
          left('with a VLAN tag', frame({ to: Mac.eth0, from: Mac[CLIENT], packet: request(), type: 0x8100 }), about())
          if (net.family === 'IPv4') {
            left('a first fragment', frame_({ fragment: Flags.MF }), about())
            left('a later fragment', frame_({ fragment: 3 }), about())
          }
          if (protocol === 'tcp')
            for (const flags of ['syn', 'fin ack', 'rst', 'rst ack', 'psh', '']) left(flags, frame_({ flags }), about())
          // RFC 1071: the pseudo-header's sum alone, where the device is to sum up the rest
          const whole = request({ payload: bytes(40) })
          const at = net.header + (protocol === 'tcp' ? 16 : 6)
          const sum = pseudoSum(net, { source: CLIENT, destination: VIP, protocol, length: whole.length - net.header })
          whole.writeUInt16BE(sum, at)
          left('a checksum left to the device', arrives(CLIENT, 'eth0', whole), about())
          const room = server.method === 'tunnel' ? 0 : 20
          left('too big', frame_({ payload: bytes(1500 - net.header - 20 + 1 + room) }), known)
        })

        test('a far client, a change of the server: as by TC', () => {
          const far = freshPort()
          const first = packet({
            protocol,
            source: CLIENT_FAR,
            destination: VIP,
            sport: far,
            dport: PORT,
            payload: bytes(9),
          })
          bench.send(arrives(CLIENT_FAR, 'eth0', first))
          const later = { protocol, source: CLIENT_FAR, destination: VIP, sport: far, dport: PORT, flags: 'ack' }
          bench.send(arrives(CLIENT_FAR, 'eth0', packet({ ...later, payload: bytes(3) })))
          const data = arrives(CLIENT_FAR, 'eth0', packet({ ...later, payload: bytes(5) }))
          if (protocol === 'udp' || !back) assertSame(data, { key, sport: far, client: CLIENT_FAR }, 'far client')
          bench.edit((director) =>
            director.editServer(key, { address: SERVER, port: server.port ?? PORT }, { ...server, weight: 0 }),
          )
          if (protocol === 'udp' || !back) assertSame(data, { key, sport: far, client: CLIENT_FAR }, 'weight 0')
          bench.edit((director) =>
            director.editServer(key, { address: SERVER, port: server.port ?? PORT }, { ...server, weight: 1 }),
          )
        })
      })

/** Does a frame's transport checksum say what the pseudo-header sums up to? (0 and 0xffff are the same sum.) */
function looksPartial(data) {
  const net = networks[data[ETH_LEN] >> 4 === 6 ? 1 : 0]
  const [source, destination] = net.family === 'IPv4' ? [12, 16] : [8, 24]
  const size = net.family === 'IPv4' ? 4 : 16
  const at = (offset) => dotted(data.subarray(ETH_LEN + offset, ETH_LEN + offset + size))
  const tcp = data[ETH_LEN + (net.family === 'IPv4' ? 9 : 6)] === Protocol.TCP
  const total = net.family === 'IPv4' ? data.readUInt16BE(ETH_LEN + 2) : data.readUInt16BE(ETH_LEN + 4) + 40
  const about = { source: at(source), destination: at(destination), protocol: tcp ? 'tcp' : 'udp' }
  const check = data.readUInt16BE(ETH_LEN + net.header + (tcp ? 16 : 6))
  return (tcp || check !== 0) && (check - pseudoSum(net, { ...about, length: total - net.header })) % 0xffff === 0
}

/** @returns the one's complement sum of the pseudo-header, not complemented */
function pseudoSum(net, { source, destination, protocol, length }) {
  const header = packet({ protocol, source, destination, sport: 0, dport: 0, flags: '', payload: Buffer.alloc(0) })
  const addresses = net.family === 'IPv4' ? header.subarray(12, 20) : header.subarray(8, 40)
  const words = Buffer.concat([
    addresses,
    Buffer.from([0, Protocol[protocol.toUpperCase()], length >> 8, length & 255]),
  ])
  let sum = 0
  for (let i = 0; i < words.length; i += 2) sum += words.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return sum
}
