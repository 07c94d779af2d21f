// Connections that another director told of: in the table they are as if their packets had been here.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { arrives, Bench, CLIENT, freshPort, leaves, networks, packet, SERVER, SERVER2, VIP } from '../lib/bench.mjs'
import { until } from '../lib/host.mjs'
import { assertFrame, address as bytesOf } from '../lib/packet.mjs'

const bytes = (address) => new Uint8Array(bytesOf(address))

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

for (const net of networks)
  describe(`templates, ${net.family}`, () => {
    const family = net.family === 'IPv6' ? 'inet6' : 'inet'
    const template = (more = {}) => ({
      ...entry(0, { family, template: true, state: 0, timeout: 200 }),
      ...{ clientAddress: bytes(net.CLIENT), virtualAddress: bytes(net.VIP), serverAddress: bytes(net.SERVER) },
      ...more,
    })
    const persistence = { timeout: 300 }
    let port = 8100
    let key
    /** The client's template of the service. */
    const templateHere = () =>
      bench
        .within(() => bench.director.connections())
        .find(({ client, virtual }) => client.port === 0 && client.address === net.CLIENT && virtual.port === port)
    /** A persistent service with two servers, of which round robin takes the second one first. */
    function serve(t, service = {}, server = {}) {
      bench.net = net
      port += 1
      const servers = [net.SERVER, net.SERVER2].map((address) => ({ address, method: 'route', ...server }))
      const made = bench.serve({ port, persistence, ...service }, ...servers)
      key = made
      t.after(() => {
        bench.stop(made)
        bench.net = networks[0]
      })
      return { virtualPort: port, serverPort: port }
    }
    const persistent = () => bench.service(key).servers.map((one) => [one.address, one.persistent])
    const goes = (more = {}) => {
      const sport = freshPort()
      const sent = { source: net.CLIENT, destination: net.VIP, sport, dport: port, ...more }
      bench.send(arrives(net.CLIENT, 'eth0', packet(sent)))
      return bench.connection(sport, net.CLIENT)?.server.address
    }

    test('the client’s next connection goes to the server that it has over there', (t) => {
      const place = serve(t)
      assert.deepEqual(insert(template(place)), ['made'])
      assert.deepEqual(persistent(), [
        [net.SERVER2, 0],
        [net.SERVER, 1],
      ])
      assert.equal(goes(), net.SERVER)
      assert.equal(goes(), net.SERVER)
      const { expires, state } = templateHere()
      assert.ok(expires > 295 && expires <= 300, `${expires}: its service's time from its last use on`)
      assert.equal(state, 'NONE')
    })

    test('it lives as long as is told, and is counted no more then', async (t) => {
      const place = serve(t)
      assert.deepEqual(insert(template({ ...place, timeout: 100, state: 1 })), ['made'])
      const { expires, state } = templateHere()
      assert.ok(expires > 95 && expires <= 100, String(expires))
      assert.equal(state, 'ASSURED')
      assert.deepEqual(insert(template({ ...place, timeout: 1, state: 1 })), ['updated'])
      await until('it ends', () => templateHere() === undefined)
      assert.deepEqual(persistent(), [
        [net.SERVER2, 0],
        [net.SERVER, 0],
      ])
      assert.equal(goes(), net.SERVER2)
    })

    test('a client that has a server here keeps it', (t) => {
      const place = serve(t)
      assert.equal(goes(), net.SERVER2)
      assert.deepEqual(insert(template(place)), ['other'])
      assert.equal(goes(), net.SERVER2)
    })

    test('one told again, and by a resync, is one', (t) => {
      const place = serve(t)
      assert.deepEqual(insert(template(place)), ['made'])
      assert.deepEqual(insert(template({ ...place, timeout: 250 })), ['updated'])
      const resync = (more) =>
        bench.edit((director) => director.exchange().insert([template({ ...place, ...more })], true))
      assert.deepEqual(resync({ timeout: 150 }), ['updated'])
      assert.deepEqual(persistent(), [
        [net.SERVER2, 0],
        [net.SERVER, 1],
      ])
    })

    test('of a service of every port, of FTP and of a firewall mark', (t) => {
      serve(t, { port: 0 }, { port: 0 })
      assert.deepEqual(insert(template({ virtualPort: 0, serverPort: 0 })), ['made'])
      assert.deepEqual([goes(), goes({ dport: 9999 })], [net.SERVER, net.SERVER])
      serve(t, { port: 21 }, { port: 21 })
      assert.deepEqual(insert(template({ virtualPort: 0, serverPort: 0, clientAddress: bytes(net.CLIENT_FAR) })), [
        'made',
      ])
      const sport = freshPort()
      const ftp = { source: net.CLIENT_FAR, destination: net.VIP, sport, dport: 21 }
      bench.send(arrives(net.ROUTER, 'eth0', packet(ftp)))
      assert.equal(bench.connection(sport, net.CLIENT_FAR).server.address, net.SERVER)
      serve(t, { fwmark: 9, address: net.VIP }, { port: 80 })
      const mark = bytes(family === 'inet' ? '0.0.0.9' : '0:9::')
      assert.deepEqual(
        insert(template({ virtualAddress: mark, virtualPort: 0, serverPort: 0, protocol: 0, fwmark: 9 })),
        ['made'],
      )
      const marked = freshPort()
      const sent = { source: net.CLIENT, destination: net.VIP, sport: marked, dport: 7 }
      bench.send(arrives(net.CLIENT, 'eth0', packet(sent)), { mark: 9 })
      assert.equal(bench.connection(marked, net.CLIENT).server.address, net.SERVER)
    })

    test('what a director tells of its templates is what another one takes', (t) => {
      serve(t)
      assert.equal(goes(), net.SERVER2)
      const told = bench.edit((director) => {
        const exchange = director.exchange()
        exchange.rules()
        const which = family === 'inet' ? 0 : 1
        const found = []
        for (let id = 1; id < exchange.tops()[which]; id += 1) {
          const sight = exchange.sight(which, id)
          const one = sight?.template ? exchange.entry(sight) : undefined
          if (one?.virtualPort === port) found.push(one)
        }
        return found
      })
      assert.deepEqual(told, [
        template({
          virtualPort: port,
          serverPort: port,
          serverAddress: bytes(net.SERVER2),
          method: 'route',
          timeout: 300,
        }),
      ])
      assert.deepEqual(insert(...told), ['updated'])
    })

    test('a connection of its own, of TCP and of SCTP, goes on in the middle', (t) => {
      for (const [protocol, state] of [
        [6, 1],
        [132, 8],
      ]) {
        const name = protocol === 6 ? 'tcp' : 'sctp'
        const place = serve(t, { protocol: name, persistence: undefined }, { method: 'masq', port: 8080 })
        const sport = freshPort()
        const told = {
          ...template({ ...place, protocol, state }),
          template: false,
          clientPort: sport,
          serverPort: 8080,
        }
        assert.deepEqual(insert(told), ['made'])
        const data = { protocol: name, source: net.CLIENT, destination: net.VIP, sport, dport: port, flags: 'ack' }
        const sent = { ...data, payload: Buffer.from('data') }
        const { frame } = bench.send(arrives(net.CLIENT, 'eth0', packet(sent)))
        const rewritten = packet({ ...sent, destination: net.SERVER, dport: 8080, ttl: 63 })
        assertFrame(frame, leaves('eth1', net.SERVER, rewritten))
        const { state: now } = bench.connection(sport, net.CLIENT)
        assert.equal(now, 'ESTABLISHED')
      }
    })
  })
