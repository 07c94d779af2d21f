// Full NAT, packet by packet: both ends are rewritten, a port of a local address belongs to one connection.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { arrives, Bench, freshPort, icmpError, leaves, NARROW_MTU, networks, packet, Verdict } from '../lib/bench.mjs'
import { address, assertFrame, bytes, Flags, Icmp, ipv4, Protocol, udp } from '../lib/packet.mjs'

/** A second local address. */
const second = (net) => net.DIRECTOR.replace(/1$/, '2')

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
  bench.namespace.batch(networks.map((net) => `address add ${second(net)} dev eth1 nodad`).join('\n'))
})
after(() => bench?.close())

for (const net of networks)
  describe(net.family, () => {
    const { CLIENT, CLIENT_FAR, DIRECTOR, ROUTER, SERVER, SERVER2, SERVER_NARROW, VIP, header } = net
    const six = net.family === 'IPv6'
    const DIRECTOR2 = second(net)
    before(() => {
      bench.net = net
    })

    const serve = (service, ...servers) =>
      bench.serve(
        { localAddresses: [DIRECTOR], ...service },
        ...servers.map((each) => ({ method: 'fullnat', ...each })),
      )

    /** Where a frame has its packet's addresses. */
    const sourceAt = six ? 22 : 26
    const length = six ? 16 : 4
    const sourceBytes = (frame) => frame.subarray(sourceAt, sourceAt + length)
    const destinationBytes = (frame) => frame.subarray(sourceAt + length, sourceAt + 2 * length)
    /** Source address and port of the packet in a frame. */
    const sourceOf = (frame) => ({
      address: [DIRECTOR, DIRECTOR2].find((each) => address(each).equals(sourceBytes(frame))),
      port: frame.readUInt16BE(14 + header),
    })
    /** Its protocol. */
    const protocolOf = (frame) => frame[six ? 20 : 23]
    const unreachable = six ? { type: 1, code: 4 } : { type: Icmp.UNREACHABLE, code: Icmp.PORT, tos: 0xc0, id: 0 }

    /** A client's first packet, and what the server took it to come from. */
    function open(request) {
      const got = bench.send(arrives(request.source, 'eth0', packet(request)))
      assert.equal(got.verdict, Verdict.REDIRECT)
      return { ...got, local: sourceOf(got.frame) }
    }

    const ports = (low, high) => bench.edit((director) => director.setLocalPorts({ low, high }))

    for (const protocol of ['tcp', 'udp'])
      test(`${protocol}: both ends are rewritten, both ways`, async (t) => {
        const key = serve({ protocol, port: 80 }, { port: 8080 })
        t.after(() => bench.stop(key))
        const payload = bytes(101)
        const request = { protocol, source: CLIENT, destination: VIP, sport: freshPort(), dport: 80, payload }
        const first = open(request)
        const { port } = first.local
        const range = bench.edit((director) => director.localPorts())
        assert.ok(port >= range.low && port <= range.high, `${port}`)
        const sent = (more) => ({
          ...request,
          ...more,
          source: DIRECTOR,
          destination: SERVER,
          sport: port,
          dport: 8080,
          ttl: 63,
        })

        await t.test('the request comes from the local address', () => {
          assertFrame(first.frame, leaves('eth1', SERVER, packet(sent())))
        })
        await t.test('the reply goes to the client as the virtual service', () => {
          const reply = {
            protocol,
            source: SERVER,
            destination: DIRECTOR,
            sport: 8080,
            dport: port,
            payload,
            flags: 'syn ack',
          }
          const got = bench.send(arrives(SERVER, 'eth1', packet(reply)), { device: 'eth1' })
          assert.equal(got.verdict, Verdict.REDIRECT)
          const back = { ...reply, source: VIP, destination: CLIENT, sport: 80, dport: request.sport, ttl: 63 }
          assertFrame(got.frame, leaves('eth0', CLIENT, packet(back)))
        })
        await t.test('every possible checksum stays right, an odd number of bytes too', () => {
          for (let i = 0; i < 300; i += 1) {
            const more = { flags: 'ack', payload: bytes(1 + (i % 64), i + 7), id: (i * 263) & 0xffff }
            const got = bench.send(arrives(CLIENT, 'eth0', packet({ ...request, ...more })))
            assertFrame(got.frame, leaves('eth1', SERVER, packet(sent(more))), `request ${i}`)
          }
        })
        if (protocol === 'udp' && !six)
          await t.test('UDP without a checksum keeps none', () => {
            const got = bench.send(arrives(CLIENT, 'eth0', packet({ ...request, checksum: 0 })))
            assertFrame(got.frame, leaves('eth1', SERVER, packet(sent({ checksum: 0 }))))
          })
      })

    test('two clients of the same port get two local ports, and the same server port answers each', (t) => {
      const key = serve({ port: 81 }, {})
      t.after(() => bench.stop(key))
      const sport = freshPort()
      const clients = [CLIENT, CLIENT_FAR]
      const locals = clients.map((source) => open({ source, destination: VIP, sport, dport: 81 }).local.port)
      assert.notEqual(locals[0], locals[1])
      for (const [i, client] of clients.entries()) {
        const reply = { source: SERVER, destination: DIRECTOR, sport: 81, dport: locals[i], flags: 'syn ack' }
        const got = bench.send(arrives(SERVER, 'eth1', packet(reply)), { device: 'eth1' })
        const back = { ...reply, source: VIP, destination: client, dport: sport, ttl: 63 }
        assertFrame(got.frame, leaves('eth0', client, packet(back)))
      }
    })

    test('all ports of a pool are used, each once; then a client is refused and it is counted', (t) => {
      const before_ = bench.edit((director) => director.localPorts())
      t.after(() => ports(before_.low, before_.high))
      ports(2000, 2009)
      const key = serve({ port: 82, localAddresses: [DIRECTOR, DIRECTOR2] }, {})
      t.after(() => bench.stop(key))
      const used = Array.from({ length: 20 }, () => {
        const { address, port } = open({ source: CLIENT, destination: VIP, sport: freshPort(), dport: 82 }).local
        return `${address}:${port}`
      })
      const all = [DIRECTOR, DIRECTOR2].flatMap((address) =>
        Array.from({ length: 10 }, (_, i) => `${address}:${2000 + i}`),
      )
      assert.deepEqual(used.sort(), all.sort())

      const refused = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 82 }
      let got
      const counted = bench.counted(() => {
        got = bench.send(arrives(CLIENT, 'eth0', packet(refused)))
      })
      assert.deepEqual(counted, { NO_LOCAL_PORT: 1 })
      const error = { source: VIP, destination: CLIENT, ...unreachable }
      assertFrame(got.frame, leaves('eth0', CLIENT, icmpError({ ...error, quote: packet(refused) })))
      assert.equal(bench.connection(refused.sport), undefined)
      assert.equal(bench.service(key).counters.connections, 20n)
      assert.equal(bench.service(key).servers[0].active, 20)
    })

    test('a port at another server is another port; one whose connection is over is given again', (t) => {
      const before_ = bench.edit((director) => director.localPorts())
      t.after(() => ports(before_.low, before_.high))
      ports(2000, 2000)
      const key = serve({ port: 83 }, { address: SERVER }, { address: SERVER2 })
      t.after(() => bench.stop(key))
      const [one, two] = [freshPort(), freshPort()]
      for (const sport of [one, two])
        assert.deepEqual(open({ source: CLIENT, destination: VIP, sport, dport: 83 }).local, {
          address: DIRECTOR,
          port: 2000,
        })
      // the first one ends
      for (const flags of ['ack', 'rst ack'])
        bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport: one, dport: 83, flags })))
      const counted = bench.counted(() => {
        // rr: one server after the other; the second one's port is still taken
        const verdicts = [freshPort(), freshPort()].map((sport) => {
          const got = bench.send(
            arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 83 })),
          )
          return protocolOf(got.frame)
        })
        assert.deepEqual(
          verdicts.sort((a, b) => a - b),
          six ? [Protocol.TCP, Protocol.ICMP6] : [Protocol.ICMP, Protocol.TCP],
        )
      })
      assert.equal(counted.NO_LOCAL_PORT, 1)
    })

    test('without a local address nothing is forwarded; with the first one it is', (t) => {
      const key = serve({ port: 84, localAddresses: [] }, {})
      t.after(() => bench.stop(key))
      const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 84 }
      const counted = bench.counted(() => bench.send(arrives(CLIENT, 'eth0', packet(request))))
      assert.deepEqual(counted, { NO_LOCAL_PORT: 1 })
      bench.edit((director) => director.addLocalAddresses(key, [DIRECTOR2]))
      assert.equal(open(request).local.address, DIRECTOR2)
      // a connection keeps its address when the service loses it
      bench.edit((director) => director.deleteLocalAddresses(key, [DIRECTOR2]))
      assert.equal(open({ ...request, flags: 'ack' }).local.address, DIRECTOR2)
    })

    test('connections are counted at their local address until they end', (t) => {
      const key = serve({ port: 85 }, {})
      t.after(() => bench.stop(key))
      const used = () => bench.edit((director) => director.localAddresses(key))[0].connections
      const start = used()
      const sport = freshPort()
      open({ source: CLIENT, destination: VIP, sport, dport: 85 })
      assert.equal(used(), start + 1)
      // over, and begun again in the same place
      for (const flags of ['ack', 'rst'])
        bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 85, flags })))
      open({ source: CLIENT, destination: VIP, sport, dport: 85 })
      assert.equal(used(), start + 1)
    })

    test('fragments: the later ones follow the first, both ways', { skip: six && 'of IPv4' }, (t) => {
      const key = serve({ protocol: 'udp', port: 86 }, { port: 8600 })
      t.after(() => bench.stop(key))
      const sport = freshPort()
      const whole = (source, destination, from, to) =>
        udp({ source, destination, sport: from, dport: to, payload: bytes(2000) })
      const pieces = (source, destination, datagram, more = {}) => [
        ipv4({
          source,
          destination,
          protocol: Protocol.UDP,
          payload: datagram.subarray(0, 1480),
          fragment: Flags.MF,
          ...more,
        }),
        ipv4({ source, destination, protocol: Protocol.UDP, payload: datagram.subarray(1480), fragment: 185, ...more }),
      ]
      const sent = pieces(CLIENT, VIP, whole(CLIENT, VIP, sport, 86), { id: 77 })
      const gone = sent.map((each) => bench.send(arrives(CLIENT, 'eth0', each)))
      const { port } = sourceOf(gone[0].frame)
      const expected = pieces(DIRECTOR, SERVER, whole(DIRECTOR, SERVER, port, 8600), { id: 77, ttl: 63 })
      for (const [i, each] of expected.entries())
        assertFrame(gone[i].frame, leaves('eth1', SERVER, each), `request ${i}`)

      const answer = pieces(SERVER, DIRECTOR, whole(SERVER, DIRECTOR, 8600, port), { id: 78 })
      const back = pieces(VIP, CLIENT, whole(VIP, CLIENT, 86, sport), { id: 78, ttl: 63 })
      for (const [i, each] of answer.entries())
        assertFrame(
          bench.send(arrives(SERVER, 'eth1', each), { device: 'eth1' }).frame,
          leaves('eth0', CLIENT, back[i]),
          `reply ${i}`,
        )
    })

    test('a GSO packet is judged by its segments; one too big is answered to the client as to a packet of its own', (t) => {
      const key = serve({ port: 87, localAddresses: [DIRECTOR] }, { address: SERVER_NARROW })
      t.after(() => bench.stop(key))
      const request = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 87 }
      const { port } = open(request).local
      // of a TCP segment's data, on the way to that server
      const fits = NARROW_MTU - header - 20
      const big = { ...request, flags: 'ack', payload: bytes(2 * fits), ...(six ? {} : { fragment: Flags.DF }) }
      const got = bench.send(arrives(CLIENT, 'eth0', packet(big)), { gsoSize: fits, gsoSegs: 2 })
      const sent = { ...big, source: DIRECTOR, sport: port, destination: SERVER_NARROW, ttl: 63 }
      assertFrame(got.frame, leaves('eth2', SERVER_NARROW, packet(sent)))
      const refused = bench.counted(() => {
        const answer = bench.send(arrives(CLIENT, 'eth0', packet(big)), { gsoSize: fits + 1, gsoSegs: 2 })
        assert.deepEqual(sourceBytes(answer.frame), address(VIP))
        assert.deepEqual(destinationBytes(answer.frame), address(CLIENT))
      })
      assert.deepEqual(refused, { TOO_BIG: 1 })
    })

    test('ICMP errors', async (t) => {
      const key = serve({ port: 88 }, { port: 8800 })
      t.after(() => bench.stop(key))
      const sport = freshPort()
      const request = {
        source: CLIENT,
        destination: VIP,
        sport,
        dport: 88,
        flags: 'ack',
        payload: bytes(30),
        fragment: Flags.DF,
      }
      const { port } = open({ ...request, flags: 'syn', payload: undefined }).local
      const tooBig = {
        ...(six ? { type: 2, code: 0 } : { type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED }),
        info: 1400,
      }

      await t.test('from the server’s side: the client learns of what it sent itself', () => {
        const quoted = { ...request, source: DIRECTOR, destination: SERVER, sport: port, dport: 8800, ttl: 63 }
        const error = icmpError({ source: SERVER, destination: DIRECTOR, ...tooBig, quote: packet(quoted) })
        const got = bench.send(arrives(SERVER, 'eth1', error), { device: 'eth1' })
        assert.equal(got.verdict, Verdict.REDIRECT)
        // the transport checksum inside is a part of what comes back unchanged
        const quote = packet({ ...request, ttl: 63 })
        packet(quoted).copy(quote, header + 16, header + 16, header + 18)
        assertFrame(
          got.frame,
          leaves('eth0', CLIENT, icmpError({ source: VIP, destination: CLIENT, ttl: 63, ...tooBig, quote })),
        )
      })

      await t.test('from the client’s side: the server learns of what it sent itself', () => {
        const reply = {
          source: VIP,
          destination: CLIENT,
          sport: 88,
          dport: sport,
          flags: 'ack',
          payload: bytes(30),
          ttl: 63,
        }
        const error = icmpError({ source: ROUTER, destination: VIP, ...tooBig, quote: packet(reply) })
        const got = bench.send(arrives(ROUTER, 'eth0', error))
        assert.equal(got.verdict, Verdict.REDIRECT)
        const quote = packet({ ...reply, source: SERVER, destination: DIRECTOR, sport: 8800, dport: port })
        packet(reply).copy(quote, header + 16, header + 16, header + 18)
        // from the local address: the server may have no way back to the router
        const sent = icmpError({ source: DIRECTOR, destination: SERVER, ttl: 63, ...tooBig, quote })
        assertFrame(got.frame, leaves('eth1', SERVER, sent))
      })
    })

    test('what is none of our flows passes: the director’s own sockets on a local address', (t) => {
      const key = serve({ port: 89 }, {})
      t.after(() => bench.stop(key))
      const { port } = open({ source: CLIENT, destination: VIP, sport: freshPort(), dport: 89 }).local
      const own = {
        source: SERVER,
        destination: DIRECTOR,
        sport: 89,
        dport: port === 40000 ? 40001 : 40000,
        flags: 'syn ack',
      }
      bench.assertUntouched(arrives(SERVER, 'eth1', packet(own)), { device: 'eth1' })
      bench.assertUntouched(arrives(SERVER, 'eth1', packet({ ...own, sport: 90, dport: port })), { device: 'eth1' })
    })

    test('local addresses must be addresses of this host, of the service’s family, and each once', () => {
      const refused = (localAddresses) =>
        assert.throws(
          () =>
            bench.edit((d) =>
              d.addService({ protocol: 'tcp', address: VIP, port: 90 }, { scheduler: 'rr', localAddresses }),
            ),
          { code: 'SLUICE_BAD_LOCAL_ADDRESS' },
        )
      refused([six ? 'fd00:0:0:1::77' : '198.18.1.77'])
      refused([six ? '::1' : '127.0.0.1'])
      refused([six ? '198.18.1.1' : 'fd00::1'])
      refused([DIRECTOR, DIRECTOR])
      assert.equal(bench.service({ protocol: 'tcp', address: VIP, port: 90 }), undefined)
    })
  })
