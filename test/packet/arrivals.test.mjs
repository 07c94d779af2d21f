// Connections that another director told of: in the table they are as if their packets had been here.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { arrives, Bench, CLIENT, freshPort, leaves, packet, SERVER, SERVER2, VIP } from '../lib/bench.mjs'
import { until } from '../lib/host.mjs'
import { assertFrame } from '../lib/packet.mjs'

const bytes = (address) => new Uint8Array(address.split('.').map(Number))

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const entry = (clientPort, more = {}) => ({
  family: 'inet',
  protocol: 6,
  template: false,
  clientAddress: bytes(CLIENT),
  clientPort,
  virtualAddress: bytes(VIP),
  virtualPort: 80,
  serverAddress: bytes(SERVER),
  serverPort: 8080,
  fwmark: 0,
  method: 'masq',
  state: 1,
  inactive: false,
  noOutput: false,
  timeout: 900,
  ...more,
})
const insert = (...entries) => bench.edit((director) => director.exchange().insert(entries))

for (const method of ['masq', 'route']) {
  describe(method, () => {
    let key
    before(() => {
      const port = method === 'masq' ? 8080 : 80
      key = bench.serve({ port: 80 }, { port, method }, { address: SERVER2, port, method })
    })
    after(() => bench.stop(key))
    const serverPort = method === 'masq' ? 8080 : 80
    const counts = () => bench.service(key).servers.map(({ address, active, inactive }) => [address, active, inactive])
    /** Ends what is in the table. */
    beforeEach(async () => {
      for (const { client, server } of bench.within(() => bench.director.connections())) {
        const place = { serverAddress: bytes(server.address), serverPort: server.port }
        insert(entry(client.port, { ...place, state: 6, inactive: true, timeout: 0 }))
      }
      await until('an empty table', () => bench.flows() === 0)
    })

    test('a packet in the middle of the connection goes to its server, and its answer back', () => {
      const port = freshPort()
      assert.deepEqual(insert(entry(port, { serverPort })), ['made'])
      assert.deepEqual(counts(), [
        [SERVER2, 0, 0],
        [SERVER, 1, 0],
      ])
      const data = { sport: port, dport: 80, flags: 'ack', seq: 5, ack: 9, payload: Buffer.from('x') }
      const sent = bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, ...data })))
      const to = method === 'masq' ? { destination: SERVER, dport: serverPort } : { destination: VIP }
      assertFrame(sent.frame, leaves('eth1', SERVER, packet({ source: CLIENT, ...data, ...to, ttl: 63 })))
      assert.equal(bench.connection(port).state, 'ESTABLISHED')
      assert.equal(bench.connection(port).server.port, serverPort)
      if (method !== 'masq') return
      const back = { sport: serverPort, dport: port, flags: 'ack', seq: 9, ack: 6 }
      const answer = bench.send(arrives(SERVER, 'eth1', packet({ source: SERVER, destination: CLIENT, ...back })), {
        device: 'eth1',
      })
      const from = { source: VIP, destination: CLIENT, ...back, sport: 80, ttl: 63 }
      assertFrame(answer.frame, leaves('eth0', CLIENT, packet(from)))
    })

    test('its state, its count and its end follow what is told', async () => {
      const port = freshPort()
      insert(entry(port, { serverPort }))
      assert.deepEqual(insert(entry(port, { serverPort, state: 5, inactive: true, timeout: 120 })), ['updated'])
      assert.deepEqual(counts(), [
        [SERVER2, 0, 0],
        [SERVER, 0, 1],
      ])
      const { state, expires } = bench.connection(port)
      assert.equal(state, 'TIME_WAIT')
      assert.ok(expires >= 118 && expires <= 120, String(expires))
      assert.deepEqual(insert(entry(port, { serverPort, state: 5, inactive: true, timeout: 1 })), ['updated'])
      await until('it expires', () => bench.connection(port) === undefined)
      assert.deepEqual(counts(), [
        [SERVER2, 0, 0],
        [SERVER, 0, 0],
      ])
      assert.equal(bench.flows(), 0)
    })

    test('one whose port went on to another server there, goes on to it here', () => {
      const port = freshPort()
      insert(entry(port, { serverPort }))
      const elsewhere = { serverPort, serverAddress: bytes(SERVER2) }
      // the end of the one that was replaced comes late
      assert.deepEqual(insert(entry(port, { ...elsewhere, state: 6, inactive: true })), ['other'])
      assert.deepEqual(counts(), [
        [SERVER2, 0, 0],
        [SERVER, 1, 0],
      ])
      assert.deepEqual(insert(entry(port, elsewhere)), ['made'])
      assert.deepEqual(counts(), [
        [SERVER2, 1, 0],
        [SERVER, 0, 0],
      ])
      assert.equal(bench.connection(port).server.address, SERVER2)
    })

    test('what its server is not here for is not taken, nor what cannot be', () => {
      const port = freshPort()
      const results = insert(
        entry(port, { serverPort, serverAddress: bytes('198.18.1.77') }),
        entry(port, { serverPort: 81 }),
        entry(port, { serverPort, virtualPort: 81 }),
        entry(port, { serverPort, fwmark: 7 }),
        entry(port, { serverPort, protocol: 50 }),
        entry(port, { serverPort }),
      )
      assert.deepEqual(results, ['no-server', 'no-server', 'no-server', 'no-server', 'unsupported', 'made'])
      assert.deepEqual(counts(), [
        [SERVER2, 0, 0],
        [SERVER, 1, 0],
      ])
    })

    test('a resync does not touch what began here, or has had packets here', () => {
      const [here, told, moved] = [freshPort(), freshPort(), freshPort()]
      const send = (sport, flags) =>
        bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 80, flags })))
      send(here, 'syn')
      insert(entry(told, { serverPort }), entry(moved, { serverPort }))
      send(moved, 'ack')
      const old = { serverPort, state: 7, inactive: true }
      const results = bench.edit((director) =>
        director.exchange().insert([entry(here, old), entry(told, old), entry(moved, old)], true),
      )
      assert.deepEqual(results, ['other', 'updated', 'other'])
      const states = [here, told, moved].map((port) => bench.connection(port).state)
      assert.deepEqual(states, ['SYN_RECV', 'CLOSE_WAIT', 'ESTABLISHED'])
    })

    test('without a time to live it has its state’s', () => {
      const port = freshPort()
      const { timeout: _, ...told } = entry(port, { serverPort, state: 7, inactive: true })
      assert.deepEqual(insert(told), ['made'])
      const { state, expires } = bench.connection(port)
      assert.deepEqual([state, expires >= 58 && expires <= 60], ['CLOSE_WAIT', true])
    })

    test('many at once, all of them expire', async () => {
      const all = Array.from({ length: 1000 }, (_, i) => entry(30_000 + i, { serverPort, timeout: 2 }))
      assert.deepEqual([...new Set(insert(...all))], ['made'])
      assert.deepEqual(counts(), [
        [SERVER2, 0, 0],
        [SERVER, 1000, 0],
      ])
      await until('they expire', () => bench.flows() === 0)
      assert.deepEqual(counts(), [
        [SERVER2, 0, 0],
        [SERVER, 0, 0],
      ])
    })
  })
}

test('UDP is inactive all its life, and has one state', () => {
  const key = bench.serve({ protocol: 'udp', port: 53 }, { port: 53 })
  const port = freshPort()
  const told = { protocol: 17, state: 0, virtualPort: 53, serverPort: 53, inactive: true, timeout: 300 }
  assert.deepEqual(insert(entry(port, told)), ['made'])
  assert.deepEqual([bench.connection(port).state, bench.service(key).servers[0].inactive], ['UDP', 1])
  bench.stop(key)
})

test('what a director tells is what another one takes', () => {
  const key = bench.serve({ port: 82 }, { port: 82 })
  const ports = [freshPort(), freshPort()]
  for (const sport of ports)
    for (const flags of ['syn', 'ack'])
      bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 82, flags })))
  const told = bench.edit((director) => {
    const exchange = director.exchange()
    const { threshold, period } = exchange.rules()
    assert.deepEqual([threshold, period], [3, 50])
    const found = []
    for (let id = 1; id < exchange.tops()[0]; id += 1) {
      const sight = exchange.sight(0, id)
      if (sight) found.push({ ...sight, ...exchange.entry(sight) })
    }
    return found.filter(({ virtualPort }) => virtualPort === 82)
  })
  assert.deepEqual(told.map(({ clientPort }) => clientPort).sort(), ports)
  const [one] = told
  assert.deepEqual(
    [one.packets, one.method, one.serverPort, one.noOutput, one.inactive, one.fwmark, one.template, one.controlled],
    [2, 'masq', 82, false, false, 0, false, false],
  )
  assert.deepEqual(insert(...told), ['updated', 'updated'])
  bench.stop(key)
})
