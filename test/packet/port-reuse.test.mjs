// A SYN on a connection that is over: the client begins again with the same port, and what was remembered becomes the new
// connection's, on the server that it is scheduled to.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { arrives, Bench, freshPort, leaves, networks, packet, Verdict } from '../lib/bench.mjs'
import { assertFrame } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const until = async (what, holds) => {
  for (let i = 0; !holds(); i += 1) {
    assert.ok(i < 100, `within ten seconds: ${what}`)
    await new Promise((done) => setTimeout(done, 100))
  }
}

for (const net of networks) {
  const { VIP, CLIENT, SERVER, SERVER2 } = net
  const ttl = { ttl: 63 }
  describe(net.family, () => {
    before(() => {
      bench.net = net
    })

    const request = (sport, dport, more = {}) => packet({ source: CLIENT, destination: VIP, sport, dport, ...more })
    const ask = (sport, dport, flags = 'syn') => bench.send(arrives(CLIENT, 'eth0', request(sport, dport, { flags })))
    const answer = (server, sport, dport, flags = 'syn ack') => {
      const data = packet({ source: server, destination: CLIENT, sport: dport, dport: sport, flags })
      return bench.send(arrives(server, 'eth1', data), { device: 'eth1' })
    }
    /** Opens a connection and ends it: the client by RST, so that it is in CLOSE. Returns its server. */
    const over = (sport, dport) => {
      ask(sport, dport)
      const { server } = bench.connection(sport, CLIENT)
      answer(server.address, sport, dport)
      ask(sport, dport, 'ack')
      ask(sport, dport, 'rst')
      assert.equal(bench.connection(sport, CLIENT).state, 'CLOSE')
      return server.address
    }
    const counts = (key) =>
      Object.fromEntries(
        bench.service(key).servers.map(({ address, active, inactive }) => [address, [active, inactive]]),
      )

    test('on the same server: a new connection in every respect, with the flows of the old one', (t) => {
      const key = bench.serve({ port: 90 }, {})
      t.after(() => bench.stop(key))
      const sport = freshPort()
      over(sport, 90)
      const flows = bench.flows()
      const { frame } = ask(sport, 90)
      assertFrame(frame, leaves('eth1', SERVER, request(sport, 90, { destination: SERVER, ...ttl })))
      assert.equal(bench.flows(), flows)
      assert.deepEqual(counts(key), { [SERVER]: [1, 0] })
      assert.equal(bench.service(key).counters.connections, 2n)
      assert.equal(bench.connection(sport, CLIENT).state, 'SYN_RECV')
      const back = { source: VIP, destination: CLIENT, sport: 90, dport: sport, flags: 'syn ack', ...ttl }
      assertFrame(answer(SERVER, sport, 90).frame, leaves('eth0', CLIENT, packet(back)))
      ask(sport, 90, 'ack')
      assert.equal(bench.connection(sport, CLIENT).state, 'ESTABLISHED')
      assert.deepEqual(counts(key), { [SERVER]: [1, 0] })
    })

    test('on another server: the counts go over, and only the new server is heard', (t) => {
      const key = bench.serve({ port: 91 }, { address: SERVER }, { address: SERVER2 })
      t.after(() => bench.stop(key))
      const sport = freshPort()
      const old = over(sport, 91)
      const other = old === SERVER ? SERVER2 : SERVER
      const flows = bench.flows()
      const { frame } = ask(sport, 91)
      assertFrame(frame, leaves('eth1', other, request(sport, 91, { destination: other, ...ttl })))
      assert.equal(bench.flows(), flows)
      assert.deepEqual(counts(key), { [old]: [0, 0], [other]: [1, 0] })
      assert.equal(answer(old, sport, 91).verdict, Verdict.PASS, 'nobody knows that packet any more')
      const back = { source: VIP, destination: CLIENT, sport: 91, dport: sport, flags: 'syn ack', ...ttl }
      assertFrame(answer(other, sport, 91).frame, leaves('eth0', CLIENT, packet(back)))
    })

    test('on a server whose method has become another: the new connection goes by that one', (t) => {
      const key = bench.serve({ port: 92 }, {})
      t.after(() => bench.stop(key))
      const sport = freshPort()
      over(sport, 92)
      const flows = bench.flows()
      bench.edit((director) => director.editServer(key, { address: SERVER, port: 92 }, { method: 'route', weight: 1 }))
      const { frame } = ask(sport, 92)
      assertFrame(frame, leaves('eth1', SERVER, request(sport, 92, ttl)))
      assert.equal(bench.flows(), flows - 1, 'direct routing sees no replies')
      bench.edit((director) => director.editServer(key, { address: SERVER, port: 92 }, { method: 'masq', weight: 1 }))
      ask(sport, 92, 'ack')
      ask(sport, 92, 'rst')
      ask(sport, 92)
      assert.equal(bench.flows(), flows)
      assert.equal(answer(SERVER, sport, 92).verdict, Verdict.REDIRECT)
    })

    test('on a server whose side is another connection’s: dropped, counted, and nothing stays of the old one', (t) => {
      const key = bench.serve({ port: 93 }, { address: SERVER, port: 93 }, { address: SERVER2, port: 93 })
      const sport = freshPort()
      const old = over(sport, 93)
      const other = old === SERVER ? SERVER2 : SERVER
      // another service's connection, by the same client's port to the same server's
      const holder = bench.serve({ port: 94 }, { address: other, port: 93 })
      t.after(() => bench.stop(key, holder))
      ask(sport, 94)
      const flows = bench.flows()
      const counted = bench.counted(() => assert.equal(ask(sport, 93).verdict, Verdict.DROP))
      assert.deepEqual(counted, { REUSED: 1, COLLISION: 1 })
      assert.equal(bench.flows(), flows - 2)
      assert.deepEqual(counts(key), { [SERVER]: [0, 0], [SERVER2]: [0, 0] })
      assert.deepEqual(counts(holder), { [other]: [1, 0] })
    })

    test('old and new count together for a moment: that may reach the threshold', (t) => {
      const key = bench.serve({ port: 96 }, { upperThreshold: 4 })
      t.after(() => bench.stop(key))
      const [again, other] = [freshPort(), freshPort()]
      ask(freshPort(), 96)
      ask(freshPort(), 96)
      over(again, 96)
      ask(again, 96)
      assert.deepEqual(counts(key), { [SERVER]: [3, 0] })
      assert.deepEqual(
        bench.counted(() => ask(other, 96)),
        { NO_SERVER: 1 },
        'three of four, but not yet below three quarters',
      )
    })

    test('it ends at its own time, not at that of the old one', async (t) => {
      const key = bench.serve({ port: 95 }, {})
      const sport = freshPort()
      bench.setTimeout('SYN_RECV', 1)
      t.after(() => {
        bench.setTimeout('SYN_RECV', 60)
        bench.stop(key)
      })
      over(sport, 95)
      const flows = bench.flows()
      ask(sport, 95)
      await until('it expires', () => bench.flows() === flows - 2)
      assert.deepEqual(counts(key), { [SERVER]: [0, 0] })
    })
  })
}
