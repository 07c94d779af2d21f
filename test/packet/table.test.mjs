// The connection table: as many as it has room for, in a row, and each of them expires.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { arrives, Bench, CLIENT, packet, Verdict, VIP } from '../lib/bench.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

for (const [method, count] of [
  ['masq', 5000],
  ['route', 5000],
]) {
  test(`${method}: ${count} connections in a row, none refused while there is room; all of them expire`, async (t) => {
    const key = bench.serve({ port: 80 }, { method })
    t.after(() => bench.stop(key))
    bench.setTimeout('SYN_RECV', 5)
    const counted = bench.counted(() => {
      for (let i = 0; i < count; i += 1) {
        const syn = { source: CLIENT, destination: VIP, sport: 1024 + i, dport: 80 }
        const { verdict } = bench.send(arrives(CLIENT, 'eth0', packet(syn)))
        if (verdict !== Verdict.REDIRECT) break
      }
    })
    assert.deepEqual(counted, {}, 'the table has room for ten times as many')
    assert.equal(bench.service(key).counters.connections, BigInt(count))
    for (const end = Date.now() + 20_000; bench.flows() > 0 && Date.now() < end; ) await sleep(50)
    assert.equal(bench.flows(), 0)
    const { active, inactive } = bench.service(key).servers[0]
    assert.deepEqual([active, inactive], [0, 0])
  })
}
