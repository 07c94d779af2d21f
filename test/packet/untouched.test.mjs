// What is not ours passes untouched: no byte changes, no connection is made, nothing is counted.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  arrives,
  Bench,
  CLIENT,
  freshPort,
  Mac,
  packet,
  ROUTER,
  SERVER,
  SERVER_NARROW,
  Verdict,
  VIP,
} from '../lib/bench.mjs'
import { address, bytes, EtherType, frame, icmp, ipv4, Protocol, tcp, udp } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
  bench.serve({ port: 80 }, {})
  bench.serve({ protocol: 'udp', port: 53 }, {})
})
after(() => bench?.close())

const syn = (more = {}) => ({ source: CLIENT, destination: VIP, sport: freshPort(), dport: 80, ...more })
const query = (more = {}) => ({ ...syn({ protocol: 'udp', dport: 53, payload: bytes(20) }), ...more })
const fromClient = (data, more) => arrives(CLIENT, 'eth0', data, more)

test('the services of this file do take packets', () => {
  assert.equal(bench.send(fromClient(packet(syn()))).verdict, Verdict.REDIRECT)
  assert.equal(bench.send(fromClient(packet(query()))).verdict, Verdict.REDIRECT)
})

test('another port, another protocol, another address of the director', () => {
  bench.assertUntouched(fromClient(packet(syn({ dport: 81 }))))
  bench.assertUntouched(fromClient(packet(syn({ dport: 53 }))))
  bench.assertUntouched(fromClient(packet(query({ dport: 80 }))))
  bench.assertUntouched(fromClient(packet(syn({ destination: '198.18.0.1' }))))
})

test('packets that the director only routes', () => {
  bench.assertUntouched(fromClient(packet(syn({ destination: SERVER }))))
  bench.assertUntouched(arrives(SERVER, 'eth1', packet(syn({ source: SERVER, destination: CLIENT }))), {
    device: 'eth1',
  })
})

test('frames for another host, for all and for many', () => {
  for (const to of ['02:00:00:00:00:77', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01'])
    bench.assertUntouched(frame({ to, from: Mac[CLIENT], packet: packet(syn()) }))
})

test('no IPv4: ARP, IPv6, a VLAN tag in the frame, an unknown type', () => {
  const data = packet(syn())
  for (const type of [EtherType.ARP, EtherType.IPV6, EtherType.VLAN, 0x88cc, 0x0100])
    bench.assertUntouched(fromClient(data, { type }))
  bench.assertUntouched(fromClient(Buffer.concat([Buffer.from([0, 7, 8, 0]), data]), { type: EtherType.VLAN }))
})

test('protocols that no service has: SCTP, GRE, ESP, ICMP echo', () => {
  for (const protocol of [Protocol.SCTP, 47, 50, Protocol.IPIP, 255])
    bench.assertUntouched(fromClient(ipv4({ source: CLIENT, destination: VIP, protocol, payload: bytes(64) })))
  const ping = icmp({ type: 8, code: 0, info: 0x00010001, payload: bytes(56) })
  bench.assertUntouched(fromClient(ipv4({ source: CLIENT, destination: VIP, protocol: Protocol.ICMP, payload: ping })))
})

test('a frame cut off anywhere in the headers', () => {
  // a test run takes no shorter packet than an IPv4 header
  for (const [name, data, headers] of [
    ['tcp', packet(syn()), 40],
    ['tcp with options', packet(syn({ options: Buffer.alloc(40, 1) })), 80],
    ['udp', packet(query()), 28],
  ]) {
    for (let length = 20; length < headers; length += 1) {
      try {
        bench.assertUntouched(fromClient(data.subarray(0, length)))
      } catch (error) {
        error.message = `${name}, ${length} bytes of the packet: ${error.message}`
        throw error
      }
    }
  }
})

test('a header that lies about itself: version, header length', () => {
  const ports = syn()
  const payload = tcp({ ...ports, flags: 'syn' })
  const lie = (more) => ipv4({ source: CLIENT, destination: VIP, protocol: Protocol.TCP, payload, ...more })
  for (const version of [0, 3, 5, 6, 15]) bench.assertUntouched(fromClient(lie({ version })))
  for (const ihl of [0, 1, 4]) bench.assertUntouched(fromClient(lie({ ihl })))
  // a header longer than the frame
  bench.assertUntouched(fromClient(lie({ ihl: 15 })))
})

for (const protocol of ['tcp', 'udp']) {
  // longer than the frame; shorter than the headers
  for (const more of [1, 1000, 'most', -Infinity]) {
    const lengths = more === -Infinity ? [1, 19, 20, 27, ...(protocol === 'tcp' ? [39] : [])] : [more]
    for (const length of lengths) {
      const title =
        more === -Infinity ? `${length} bytes, less than its headers` : `${more} bytes beyond the frame’s end`
      test(`a total length that cannot be, ${protocol}: ${title}`, () => {
        const data = Buffer.from(packet(protocol === 'tcp' ? syn({ payload: bytes(20) }) : query()))
        data.writeUInt16BE(more === 'most' ? 0xffff : more === -Infinity ? length : data.length + more, 2)
        bench.assertUntouched(fromClient(data))
      })
    }
  }
}

test('TCP that begins in the middle: only a SYN starts a connection, and never with RST', () => {
  for (const flags of ['', 'ack', 'fin ack', 'psh ack', 'rst', 'rst ack', 'syn rst', 'syn rst ack', 'fin'])
    bench.assertUntouched(fromClient(packet(syn({ flags }))))
  assert.equal(
    bench.send(fromClient(packet(syn({ flags: 'syn ack' })))).verdict,
    Verdict.REDIRECT,
    'as active FTP has it',
  )
})

test('source port 20 is never scheduled: it is FTP’s data connection, from a real server', () => {
  bench.assertUntouched(fromClient(packet(syn({ sport: 20 }))))
})

test('a server’s packets that answer no connection', () => {
  for (const protocol of ['tcp', 'udp']) {
    const stray = packet({
      ...{ protocol, source: SERVER, destination: CLIENT, sport: 80, dport: freshPort() },
      ...{ flags: 'syn ack', payload: bytes(9) },
    })
    bench.assertUntouched(arrives(SERVER, 'eth1', stray), { device: 'eth1' })
  }
})

test('ICMP errors about packets that are not ours', () => {
  const about = (quote) =>
    ipv4({
      source: ROUTER,
      destination: VIP,
      protocol: Protocol.ICMP,
      payload: icmp({ type: 3, code: 1, payload: quote }),
    })
  const others = { source: VIP, destination: CLIENT, sport: 80, dport: freshPort(), flags: 'ack' }
  bench.assertUntouched(arrives(ROUTER, 'eth0', about(packet(others))))
  bench.assertUntouched(arrives(ROUTER, 'eth0', about(packet({ ...others, protocol: 'udp', sport: 53 }))))
  // quotes that are cut off, empty, or no IPv4
  for (const length of [0, 8, 19, 20, 23])
    bench.assertUntouched(arrives(ROUTER, 'eth0', about(packet(others).subarray(0, length))))
  bench.assertUntouched(arrives(ROUTER, 'eth0', about(Buffer.alloc(40))))
})

test('ICMP errors with a header cut off', () => {
  for (let length = 0; length < 8; length += 1) {
    const payload = icmp({ type: 3, code: 3, payload: Buffer.alloc(0) }).subarray(0, length)
    bench.assertUntouched(fromClient(ipv4({ source: CLIENT, destination: VIP, protocol: Protocol.ICMP, payload })))
  }
})

test('a VIP that another host has now: routed there, not taken', (t) => {
  const key = bench.serve({ port: 80, address: '198.18.1.200' }, {})
  t.after(() => bench.stop(key))
  bench.assertUntouched(fromClient(packet(syn({ destination: '198.18.1.200' }))))
})

test('a VIP that another host has now, and a director that does not route: as IPVS, only what is for this host', (t) => {
  const strict = new Bench({ role: 'dr', forwarding: false })
  t.after(() => strict.close())
  strict.serve({ port: 80, address: '198.18.1.200' }, {})
  strict.serve({ port: 80 }, {})
  assert.equal(strict.send(fromClient(packet(syn()))).verdict, Verdict.REDIRECT)
  strict.assertUntouched(fromClient(packet(syn({ destination: '198.18.1.200' }))))
})

test('multicast and broadcast addresses in frames for this host', () => {
  for (const destination of ['224.0.0.1', '255.255.255.255', '198.18.0.255'])
    bench.assertUntouched(fromClient(packet(syn({ destination }))))
})

test('random bytes behind an IPv4 ethertype', () => {
  for (let i = 0; i < 300; i += 1) {
    const data = bytes(20 + (i % 80), i + 1)
    // no accident may make it one of ours
    address('198.18.0.1').copy(data, 16)
    const got = bench.send(fromClient(data))
    assert.equal(got.verdict, Verdict.PASS)
    assert.ok(got.frame.equals(fromClient(data)))
  }
})

test('the bench tells a far device from a near one', () => {
  // the same frame by the other device is for another host
  bench.assertUntouched(arrives(CLIENT, 'eth0', packet(syn())), { device: 'eth1' })
  bench.assertUntouched(arrives(SERVER_NARROW, 'eth2', packet(syn({ dport: 9 }))), { device: 'eth2' })
  assert.equal(udp({ ...query(), payload: bytes(1) }).length, 9)
})
