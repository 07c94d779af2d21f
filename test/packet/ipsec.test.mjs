// AH and ESP follow the key exchange (ISAKMP, UDP 500 to 500) of the same two hosts, as kernel IPVS has them do
// (test/golden/packets.json).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { arrives, Bench, CLIENT, leaves, packet, SERVER, Verdict, VIP } from '../lib/bench.mjs'
import { assertFrame, bytes, ETH_LEN, ipv4 } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const [ESP, AH] = [50, 51]
const isakmp = { protocol: 'udp', source: CLIENT, destination: VIP, sport: 500, dport: 500, payload: bytes(30) }
const of = (protocol, more) => ({ source: CLIENT, destination: VIP, protocol, payload: bytes(40), ...more })

test('NAT: as kernel IPVS wrote it, both ways', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 500 }, {})
  t.after(() => bench.stop(key))
  const recorded = JSON.parse(readFileSync(new URL('../golden/packets.json', import.meta.url), 'utf8')).ipsec
  for (const { what, sent, got } of recorded) {
    const [host, device] = what.endsWith('reply') ? [SERVER, 'eth1'] : [CLIENT, 'eth0']
    const { verdict, frame } = bench.send(arrives(host, device, Buffer.from(sent, 'hex')), { device })
    assert.equal(verdict, got.length > 0 ? Verdict.REDIRECT : Verdict.PASS, what)
    if (got.length > 0) assertFrame(frame.subarray(ETH_LEN), Buffer.from(got[0], 'hex'), what)
  }
  const { counters } = bench.service(key).servers[0]
  // the key exchange, ESP and AH; ESP back
  assert.equal(counters.inPackets, 3n)
  assert.equal(counters.outPackets, 1n)
})

test('direct routing: only the frame changes, and the TTL; the connection lives on', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 500 }, { method: 'route' })
  t.after(() => bench.stop(key))
  // another client than the first test's, whose connection is still there
  const source = '198.18.0.12'
  bench.send(arrives(CLIENT, 'eth0', packet({ ...isakmp, source })))
  bench.setTimeout('UDP', 600)
  t.after(() => bench.setTimeout('UDP', 300))
  for (const protocol of [ESP, AH]) {
    const { frame } = bench.send(arrives(CLIENT, 'eth0', ipv4(of(protocol, { source }))))
    assertFrame(frame, leaves('eth1', SERVER, ipv4(of(protocol, { source, ttl: 63 }))))
  }
  assert.ok(bench.connection(500, source).expires > 300)
})

test('without a key exchange, or from another host, they are the stack’s', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 500 }, {})
  t.after(() => bench.stop(key))
  bench.send(arrives(CLIENT, 'eth0', packet(isakmp)))
  for (const protocol of [ESP, AH])
    bench.assertUntouched(arrives(CLIENT, 'eth0', ipv4(of(protocol, { source: '198.18.0.77' }))))
})
