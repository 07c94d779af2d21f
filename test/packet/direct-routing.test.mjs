// Direct routing, packet by packet: only the frame's addresses and the TTL change.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { arrives, Bench, freshPort, leaves, networks, packet, Verdict } from '../lib/bench.mjs'
import { assertFrame, bytes, ETH_LEN } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

for (const net of networks)
  describe(net.family, () => {
    const { CLIENT, DIRECTOR, SERVER, SERVER_COLD, SERVER2, VIP } = net
    before(() => {
      bench.net = net
    })

    for (const protocol of ['tcp', 'udp']) {
      test(`direct routing, ${protocol}: the next hop’s link address and the TTL are all that changes`, (t) => {
        const key = bench.serve({ protocol, port: 80 }, { method: 'route' })
        t.after(() => bench.stop(key))
        const sport = freshPort()
        const request = { protocol, source: CLIENT, destination: VIP, sport, dport: 80, payload: bytes(33) }
        for (const more of [
          {},
          { flags: 'ack', ttl: 2, tos: 0xb8 },
          { flags: 'ack', ...net.moreOptions },
          { flags: 'ack psh', id: 0 },
          ...(protocol === 'udp' ? [{ checksum: 0 }] : []),
        ]) {
          const sent = { ...request, ...more }
          const got = bench.send(arrives(CLIENT, 'eth0', packet(sent)))
          assert.equal(got.verdict, Verdict.REDIRECT)
          assertFrame(got.frame, leaves('eth1', SERVER, packet({ ...sent, ttl: (sent.ttl ?? 64) - 1 })))
        }
        // what a real server on this wire sends itself is none of ours: it answers past the director
        const reply = packet({ protocol, source: VIP, destination: CLIENT, sport: 80, dport: sport, flags: 'syn ack' })
        bench.assertUntouched(arrives(SERVER, 'eth1', reply), { device: 'eth1' })
        assert.equal(bench.service(key).counters.outPackets, 0n)
      })
    }

    test('direct routing: a wrong checksum is not ours to mend', (t) => {
      const key = bench.serve({ port: 81 }, { method: 'route' })
      t.after(() => bench.stop(key))
      const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 81, checksum: 0xbad }
      assertFrame(
        bench.send(arrives(CLIENT, 'eth0', packet(request))).frame,
        leaves('eth1', SERVER, packet({ ...request, ttl: 63 })),
      )
    })

    test('direct routing: a connection stays with its real server, the next one goes to the other', (t) => {
      const key = bench.serve({ port: 82 }, { method: 'route', address: SERVER2 }, { method: 'route', address: SERVER })
      t.after(() => bench.stop(key))
      const [one, two] = [freshPort(), freshPort()]
      const request = { source: CLIENT, destination: VIP, dport: 82 }
      for (const [sport, server, flags] of [
        [one, SERVER, 'syn'],
        [two, SERVER2, 'syn'],
        [one, SERVER, 'ack'],
        [two, SERVER2, 'ack'],
        [one, SERVER, 'fin ack'],
      ]) {
        const sent = { ...request, sport, flags }
        assertFrame(
          bench.send(arrives(CLIENT, 'eth0', packet(sent))).frame,
          leaves('eth1', server, packet({ ...sent, ttl: 63 })),
        )
      }
    })

    test('direct routing to a server without a link address yet: the packet waits for it', (t) => {
      const key = bench.serve({ port: 83 }, { method: 'route', address: SERVER_COLD })
      t.after(() => bench.stop(key))
      const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 83 }
      let got
      const counted = bench.counted(() => {
        got = bench.send(arrives(CLIENT, 'eth0', packet(request)))
      })
      assert.equal(got.verdict, Verdict.REDIRECT)
      assert.deepEqual(counted, { NEIGHBOUR: 1 })
      assertFrame(got.frame.subarray(ETH_LEN), packet({ ...request, ttl: 63 }), 'the packet inside the frame')
    })

    for (const method of ['route', 'local', 'tunnel']) {
      test(`a real server that is the director itself, method ${method}: its own stack takes the packet as it is`, (t) => {
        const key = bench.serve({ port: 84 }, { method, address: DIRECTOR })
        t.after(() => bench.stop(key))
        const data = arrives(
          CLIENT,
          'eth0',
          packet({ source: CLIENT, destination: VIP, sport: freshPort(), dport: 84 }),
        )
        const got = bench.send(data)
        assert.equal(got.verdict, Verdict.STACK)
        assertFrame(got.frame, data)
        assert.equal(bench.service(key).counters.connections, 1n)
      })
    }
  })
