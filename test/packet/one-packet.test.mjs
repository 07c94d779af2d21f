// One-packet scheduling: every datagram goes to the server that is next, and nothing is remembered.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { arrives, Bench, CLIENT, leaves, packet, SERVER, SERVER2, Verdict, VIP } from '../lib/bench.mjs'
import { assertFrame, bytes } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench?.close())

const request = { protocol: 'udp', source: CLIENT, destination: VIP, sport: 4000, dport: 53, payload: bytes(33) }
const ask = (more = {}) => bench.send(arrives(CLIENT, 'eth0', packet({ ...request, ...more })))

/** Sends a datagram and sees it leave for a server with NAT. */
function goesTo(server) {
  const { frame, verdict } = ask()
  assert.equal(verdict, Verdict.REDIRECT)
  assertFrame(frame, leaves('eth1', server, packet({ ...request, destination: server, dport: 5353, ttl: 63 })))
}

const connections = () => bench.within(() => bench.director.connections())
const servers = [
  { address: SERVER2, port: 5353 },
  { address: SERVER, port: 5353 },
]

test('each datagram of a flow is scheduled, counted as a connection, and forgotten', () => {
  const key = bench.serve({ protocol: 'udp', port: 53, onePacket: true }, ...servers)
  for (const server of [SERVER, SERVER2, SERVER, SERVER2]) goesTo(server)
  assert.deepEqual(connections(), [])
  assert.equal(bench.flows(), 0)
  const { counters, servers: after } = bench.service(key)
  assert.deepEqual(counters, {
    connections: 4n,
    inPackets: 4n,
    outPackets: 0n,
    inBytes: 4n * BigInt(packet(request).length),
    outBytes: 0n,
  })
  assert.deepEqual(
    after.map(({ active, inactive, counters: { connections: made } }) => [active, inactive, made]),
    [
      [0, 0, 2n],
      [0, 0, 2n],
    ],
  )
})

test('with NAT a reply leaves as its server sent it', () => {
  bench.serve({ protocol: 'udp', port: 53, onePacket: true }, ...servers)
  goesTo(SERVER)
  const reply = { protocol: 'udp', source: SERVER, destination: CLIENT, sport: 5353, dport: 4000 }
  bench.assertUntouched(arrives(SERVER, 'eth1', packet(reply)), { device: 'eth1' })
})

test('direct routing and tunnels likewise', () => {
  bench.serve(
    { protocol: 'udp', port: 53, onePacket: true },
    { method: 'route' },
    { address: SERVER2, method: 'tunnel' },
  )
  const first = ask()
  assert.equal(first.frame.length, arrives(CLIENT, 'eth0', packet(request)).length + 20, 'within another header')
  assertFrame(ask().frame, leaves('eth1', SERVER, packet({ ...request, ttl: 63 })))
  assert.equal(bench.flows(), 0)
})

test('an upper threshold of one never fills up', () => {
  bench.serve(
    { protocol: 'udp', port: 53, onePacket: true },
    ...servers.map((server) => ({ ...server, upperThreshold: 1 })),
  )
  for (const server of [SERVER, SERVER2, SERVER, SERVER2]) goesTo(server)
})

test('no server: the client is told', () => {
  bench.serve({ protocol: 'udp', port: 53, onePacket: true })
  assert.deepEqual(
    bench.counted(() => ask()),
    { NO_SERVER: 1 },
  )
})

test('with persistence the client’s template decides, and only it is kept', () => {
  const key = bench.serve({ protocol: 'udp', port: 53, onePacket: true, persistence: { timeout: 100 } }, ...servers)
  for (const server of [SERVER, SERVER, SERVER]) goesTo(server)
  assert.deepEqual(
    connections().map(({ client, server }) => [client.port, server.address]),
    [[0, SERVER]],
  )
  const [template] = [...bench.table.connections()]
  assert.equal(template.connection.children, 0)
  assert.equal(bench.service(key).counters.connections, 3n)
})

test('a flow that had a connection when one-packet scheduling was switched on keeps it', () => {
  const key = bench.serve({ protocol: 'udp', port: 53 }, ...servers)
  goesTo(SERVER)
  bench.edit((director) => director.editService(key, { scheduler: 'rr', onePacket: true }))
  for (const server of [SERVER, SERVER]) goesTo(server)
  const other = ask({ sport: 4001 })
  assertFrame(
    other.frame,
    leaves('eth1', SERVER2, packet({ ...request, sport: 4001, destination: SERVER2, dport: 5353, ttl: 63 })),
  )
  assert.equal(connections().length, 1)
})

test('by firewall mark: UDP by the packet, TCP by the connection', () => {
  bench.serve({ fwmark: 5, onePacket: true }, ...servers)
  const send = (more) => bench.send(arrives(CLIENT, 'eth0', packet({ ...request, ...more })), { mark: 5 })
  send()
  send({ protocol: 'tcp' })
  assert.deepEqual(
    connections().map(({ protocol }) => protocol),
    ['tcp'],
  )
})
