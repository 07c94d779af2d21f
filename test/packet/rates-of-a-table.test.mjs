// The table's own estimator: its timer looks at services, servers and all together, and zeroing shows at once.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serverCounters, serviceCounters, TOTALS } from '../../dist/datapath/index.js'
import { arrives, Bench, CLIENT, freshPort, packet, Verdict, VIP } from '../lib/bench.mjs'

const NONE = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

/** One table of one service: the first slots. */
const rows = [serviceCounters(1), serverCounters(1), TOTALS]
const lastSeen = () => rows.map((row) => bench.table.rates(row).last.inPackets)
const totals = () => bench.within(() => bench.director.totals())

test('rates come by themselves, and go with the counters', async (t) => {
  const key = bench.serve({ port: 80 }, {})
  t.after(() => bench.stop(key))
  assert.deepEqual(bench.service(key).rates, NONE, 'a new service has none')

  const count = 400
  const syn = packet({ source: CLIENT, destination: VIP, sport: freshPort(), dport: 80 })
  for (let i = 0; i < count; i += 1) assert.equal(bench.send(arrives(CLIENT, 'eth0', syn)).verdict, Verdict.REDIRECT)
  assert.equal(totals().counters.inPackets, BigInt(count))
  // the timer has its own time; which share of the packets a look finds is its affair
  while (lastSeen().some((seen) => seen !== BigInt(count))) await sleep(20)
  const { rates, servers } = bench.service(key)
  assert.ok(rates.inPackets > 0n && rates.inBytes >= 40n * rates.inPackets, `${rates.inPackets} ${rates.inBytes}`)
  assert.ok(servers[0].rates.inPackets > 0n)
  assert.ok(totals().rates.inPackets > 0n)

  bench.edit((director) => director.zero(key))
  assert.deepEqual(bench.service(key).rates, NONE)
  assert.deepEqual(bench.service(key).servers[0].rates, NONE)
  assert.equal(totals().counters.inPackets, BigInt(count), 'one service set to zero leaves the totals')
  bench.edit((director) => director.zero())
  assert.deepEqual(totals(), { counters: NONE, rates: NONE })
})

test('a service made anew in the same slot has the rates of a new one; the totals go on', async () => {
  const key = bench.serve({ port: 81 }, {})
  const syn = packet({ source: CLIENT, destination: VIP, sport: freshPort(), dport: 81 })
  const before = bench.table.rates(TOTALS).last.inPackets
  for (let i = 0; i < 100; i += 1) bench.send(arrives(CLIENT, 'eth0', syn))
  while (bench.table.rates(TOTALS).last.inPackets !== before + 100n) await sleep(20)
  bench.stop(key)
  assert.equal(totals().counters.inPackets, 100n)
  bench.serve({ port: 81 }, {})
  assert.deepEqual(bench.service(key).rates, NONE)
  assert.deepEqual(bench.service(key).servers[0].rates, NONE)
  bench.stop(key)
})
