// NAT (masquerade), packet by packet: what leaves is compared whole, its checksums computed from scratch.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { arrives, Bench, freshPort, leaves, NARROW_MTU, networks, packet, Verdict } from '../lib/bench.mjs'
import { assertFrame, bytes, ETH_LEN, Flags } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

for (const net of networks)
  describe(net.family, () => {
    const { CLIENT, CLIENT_FAR, SERVER, SERVER_COLD, SERVER_NARROW, VIP } = net
    before(() => {
      bench.net = net
    })

    const SERVICE_PORT = 80

    for (const protocol of ['tcp', 'udp']) {
      for (const serverPort of [80, 8080]) {
        const title = `NAT, ${protocol}, ${serverPort === SERVICE_PORT ? 'the same port' : 'another port'} on the real server`
        test(title, async (t) => {
          const key = bench.serve({ protocol, port: SERVICE_PORT }, { port: serverPort })
          t.after(() => bench.stop(key))
          const sport = freshPort()
          const payload = bytes(101)
          const request = { protocol, source: CLIENT, destination: VIP, sport, dport: SERVICE_PORT, payload }
          const reply = { protocol, source: SERVER, destination: CLIENT, sport: serverPort, dport: sport, payload }

          await t.test('the request goes to the real server: address, port, TTL - 1, checksums', () => {
            const got = bench.send(arrives(CLIENT, 'eth0', packet(request)))
            assert.equal(got.verdict, Verdict.REDIRECT)
            assertFrame(
              got.frame,
              leaves('eth1', SERVER, packet({ ...request, destination: SERVER, dport: serverPort, ttl: 63 })),
            )
          })

          await t.test('the reply goes to the client as the virtual service', () => {
            const got = bench.send(arrives(SERVER, 'eth1', packet({ ...reply, flags: 'syn ack' })), { device: 'eth1' })
            assert.equal(got.verdict, Verdict.REDIRECT)
            assertFrame(
              got.frame,
              leaves('eth0', CLIENT, packet({ ...reply, flags: 'syn ack', source: VIP, sport: SERVICE_PORT, ttl: 63 })),
            )
          })

          await t.test('later packets of the connection follow', () => {
            const later = { ...request, flags: 'ack psh', seq: 77, ack: 99, ttl: 2, tos: 0x10, id: 0xffff }
            const got = bench.send(arrives(CLIENT, 'eth0', packet(later)))
            assert.equal(got.verdict, Verdict.REDIRECT)
            assertFrame(
              got.frame,
              leaves('eth1', SERVER, packet({ ...later, destination: SERVER, dport: serverPort, ttl: 1 })),
            )
          })

          await t.test('IP options and extension headers stay as they are', () => {
            const withOptions = { ...request, flags: 'ack', ...net.options }
            const got = bench.send(arrives(CLIENT, 'eth0', packet(withOptions)))
            assert.equal(got.verdict, Verdict.REDIRECT)
            assertFrame(
              got.frame,
              leaves('eth1', SERVER, packet({ ...withOptions, destination: SERVER, dport: serverPort, ttl: 63 })),
            )
            const back = { ...reply, flags: 'ack', ...net.moreOptions }
            const returned = bench.send(arrives(SERVER, 'eth1', packet(back)), { device: 'eth1' })
            assertFrame(
              returned.frame,
              leaves('eth0', CLIENT, packet({ ...back, source: VIP, sport: SERVICE_PORT, ttl: 63 })),
            )
          })

          await t.test('the padding of a short frame is no part of the packet', () => {
            const short = { ...request, flags: 'ack', payload: Buffer.alloc(0) }
            const before_ = bench.service(key).counters
            const got = bench.send(arrives(CLIENT, 'eth0', packet(short), { padding: 18 }))
            assertFrame(
              got.frame,
              leaves('eth1', SERVER, packet({ ...short, destination: SERVER, dport: serverPort, ttl: 63 }), {
                padding: 18,
              }),
            )
            assert.equal(bench.service(key).counters.inBytes - before_.inBytes, BigInt(packet(short).length))
          })

          await t.test('an odd number of bytes and every possible checksum: the sums stay right', () => {
            for (let i = 0; i < 500; i += 1) {
              const each = { ...request, flags: 'ack', payload: bytes(1 + (i % 64), i + 7), id: (i * 263) & 0xffff }
              const got = bench.send(arrives(CLIENT, 'eth0', packet(each)))
              assertFrame(
                got.frame,
                leaves('eth1', SERVER, packet({ ...each, destination: SERVER, dport: serverPort, ttl: 63 })),
                `request ${i}`,
              )
            }
          })
        })
      }
    }

    test('UDP without a checksum keeps none, in both directions', (t) => {
      const key = bench.serve({ protocol: 'udp', port: 53 }, { port: 5353 })
      t.after(() => bench.stop(key))
      const sport = freshPort()
      const request = {
        protocol: 'udp',
        source: CLIENT,
        destination: VIP,
        sport,
        dport: 53,
        payload: bytes(40),
        checksum: 0,
      }
      assertFrame(
        bench.send(arrives(CLIENT, 'eth0', packet(request))).frame,
        leaves('eth1', SERVER, packet({ ...request, destination: SERVER, dport: 5353, ttl: 63 })),
      )
      const reply = { ...request, source: SERVER, sport: 5353, destination: CLIENT, dport: sport }
      assertFrame(
        bench.send(arrives(SERVER, 'eth1', packet(reply)), { device: 'eth1' }).frame,
        leaves('eth0', CLIENT, packet({ ...reply, source: VIP, sport: 53, ttl: 63 })),
      )
    })

    test('a UDP checksum that comes out as zero is sent as 0xffff (RFC 768)', (t) => {
      const key = bench.serve({ protocol: 'udp', port: 54 }, { port: 54 })
      t.after(() => bench.stop(key))
      const request = { protocol: 'udp', source: CLIENT, destination: VIP, sport: freshPort(), dport: 54 }
      const sent = { ...request, destination: SERVER, ttl: 63 }
      // the word that makes the sum of what will be sent come out as zero: the checksum of the same with zero there
      const zero = packet({ ...sent, payload: Buffer.alloc(2) })
      const payload = zero.subarray(net.header + 6, net.header + 8)
      const expected = packet({ ...sent, payload })
      assert.equal(expected.readUInt16BE(net.header + 6), 0xffff)
      assertFrame(
        bench.send(arrives(CLIENT, 'eth0', packet({ ...request, payload }))).frame,
        leaves('eth1', SERVER, expected),
      )
    })

    test('a client behind a router is answered through it', (t) => {
      const key = bench.serve({ port: 81 }, {})
      t.after(() => bench.stop(key))
      const sport = freshPort()
      const request = { source: CLIENT_FAR, destination: VIP, sport, dport: 81 }
      assert.equal(bench.send(arrives(CLIENT_FAR, 'eth0', packet(request))).verdict, Verdict.REDIRECT)
      const reply = { source: SERVER, destination: CLIENT_FAR, sport: 81, dport: sport, flags: 'syn ack' }
      const got = bench.send(arrives(SERVER, 'eth1', packet(reply)), { device: 'eth1' })
      assert.equal(got.verdict, Verdict.REDIRECT)
      assertFrame(got.frame, leaves('eth0', CLIENT_FAR, packet({ ...reply, source: VIP, ttl: 63 })))
    })

    test('a next hop without a link address is resolved: the packet is rewritten and waits for it', (t) => {
      const key = bench.serve({ port: 82 }, { address: SERVER_COLD })
      t.after(() => bench.stop(key))
      const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 82 }
      let got
      const counted = bench.counted(() => {
        got = bench.send(arrives(CLIENT, 'eth0', packet(request)))
      })
      assert.equal(got.verdict, Verdict.REDIRECT)
      assert.deepEqual(counted, { NEIGHBOUR: 1 })
      assertFrame(
        got.frame.subarray(ETH_LEN),
        packet({ ...request, destination: SERVER_COLD, ttl: 63 }),
        'the packet inside the frame',
      )
    })

    const fragmenting = { skip: net.family === 'IPv6' && 'no router fragments IPv6' }
    test('too big for the way and DF not set: rewritten, then left to the stack to be fragmented', fragmenting, (t) => {
      const key = bench.serve({ protocol: 'udp', port: 83 }, { address: SERVER_NARROW, port: 8300 })
      t.after(() => bench.stop(key))
      const request = {
        protocol: 'udp',
        source: CLIENT,
        destination: VIP,
        sport: freshPort(),
        dport: 83,
        payload: bytes(1460),
      }
      const data = arrives(CLIENT, 'eth0', packet(request))
      let got
      const counted = bench.counted(() => {
        got = bench.send(data)
      })
      assert.equal(got.verdict, Verdict.STACK)
      assert.deepEqual(counted, { TO_STACK: 1 })
      // the stack ages it
      assertFrame(
        got.frame.subarray(ETH_LEN),
        packet({ ...request, destination: SERVER_NARROW, dport: 8300 }),
        'the packet inside the frame',
      )
    })

    test('a GSO packet is judged by its segments, not by its length', (t) => {
      const key = bench.serve({ port: 84 }, { address: SERVER_NARROW })
      t.after(() => bench.stop(key))
      const segment = NARROW_MTU - net.header - 20
      const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 84 }
      bench.send(arrives(CLIENT, 'eth0', packet(request)))
      const big = { ...request, flags: 'ack', payload: bytes(2 * segment), fragment: Flags.DF }
      const got = bench.send(arrives(CLIENT, 'eth0', packet(big)), { gsoSize: segment, gsoSegs: 2 })
      assert.equal(got.verdict, Verdict.REDIRECT)
      assertFrame(got.frame, leaves('eth2', SERVER_NARROW, packet({ ...big, destination: SERVER_NARROW, ttl: 63 })))
      const refused = bench.counted(() => {
        assert.notEqual(
          bench.send(arrives(CLIENT, 'eth0', packet(big)), { gsoSize: segment + 1, gsoSegs: 2 }).frame.length,
          packet(big).length,
        )
      })
      assert.deepEqual(refused, { TOO_BIG: 1 })
    })

    test('what is counted: packets and bytes of IP, in and out, once a connection', (t) => {
      const key = bench.serve({ port: 85 }, {})
      t.after(() => bench.stop(key))
      const sport = freshPort()
      const request = packet({ source: CLIENT, destination: VIP, sport, dport: 85 })
      const data = packet({ source: CLIENT, destination: VIP, sport, dport: 85, flags: 'ack', payload: bytes(100) })
      const reply = packet({
        source: SERVER,
        destination: CLIENT,
        sport: 85,
        dport: sport,
        flags: 'ack',
        payload: bytes(10),
      })
      bench.send(arrives(CLIENT, 'eth0', request))
      bench.send(arrives(CLIENT, 'eth0', data))
      bench.send(arrives(SERVER, 'eth1', reply), { device: 'eth1' })
      const expected = {
        connections: 1n,
        inPackets: 2n,
        inBytes: BigInt(request.length + data.length),
        outPackets: 1n,
        outBytes: BigInt(reply.length),
      }
      const service = bench.service(key)
      assert.deepEqual(service.counters, expected)
      assert.deepEqual(service.servers[0].counters, expected)
      bench.edit((director) => director.zero(key))
      const zero = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }
      assert.deepEqual(bench.service(key).counters, zero)
      assert.deepEqual(bench.service(key).servers[0].counters, zero)
    })

    test('two connections that would look the same to the real server: the second is refused and counted', (t) => {
      const one = bench.serve({ port: 86 }, { port: 8600 })
      const two = bench.serve({ port: 87 }, { port: 8600 })
      t.after(() => bench.stop(one, two))
      const sport = freshPort()
      const first = { source: CLIENT, destination: VIP, sport, dport: 86 }
      assert.equal(bench.send(arrives(CLIENT, 'eth0', packet(first))).verdict, Verdict.REDIRECT)
      const counted = bench.counted(() => {
        const second = bench.send(arrives(CLIENT, 'eth0', packet({ ...first, dport: 87 })))
        assert.equal(second.verdict, Verdict.DROP)
      })
      assert.deepEqual(counted, { COLLISION: 1 })
      assert.equal(bench.service(two).counters.connections, 0n)
      assert.equal(bench.service(two).servers[0].inactive, 0)
      // the first one goes on, and its replies come from its own service
      const reply = { source: SERVER, destination: CLIENT, sport: 8600, dport: sport, flags: 'syn ack' }
      assertFrame(
        bench.send(arrives(SERVER, 'eth1', packet(reply)), { device: 'eth1' }).frame,
        leaves('eth0', CLIENT, packet({ ...reply, source: VIP, sport: 86, ttl: 63 })),
      )
    })
  })
