// A flood of SYNs from addresses that never answer, while real clients come: the table does not fill with what it leaves.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { arrives, Bench, CLIENT, freshPort, packet, SERVER, Verdict, VIP } from '../lib/bench.mjs'

const SIZE = 512
const PORT = 7000

/** @type {Bench} */
let bench
before(() => {
  process.env.SLUICE_CONNECTIONS = String(SIZE)
  bench = new Bench({ role: 'flood' })
  bench.serve({ port: PORT }, {})
})
after(() => bench?.close())

const from = (source, sport, flags) =>
  bench.send(arrives(CLIENT, 'eth0', packet({ source, destination: VIP, sport, dport: PORT, flags }))).verdict
const answer = (sport, flags) =>
  bench.send(
    arrives(SERVER, 'eth1', packet({ source: SERVER, destination: CLIENT, sport: PORT, dport: sport, flags })),
    { device: 'eth1' },
  ).verdict

let spoofed = 0
function flood(count) {
  for (let i = 0; i < count; i += 1) {
    spoofed += 1
    from(`100.64.${(spoofed >> 8) & 255}.${spoofed & 255}`, 1024 + (spoofed % 60_000), 'syn')
  }
}

/** A client's handshake, as it goes between the flood's packets. */
function open() {
  const sport = freshPort()
  const verdicts = [from(CLIENT, sport, 'syn')]
  flood(10)
  verdicts.push(answer(sport, 'syn ack'))
  flood(10)
  verdicts.push(from(CLIENT, sport, 'ack'))
  return { sport, through: verdicts.every((verdict) => verdict === Verdict.REDIRECT) }
}

const states = () => {
  const counts = {}
  for (const { state } of bench.within(() => bench.director.connections())) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

test('under a flood 20 times as dense as they are, 99 % of the clients are served; established ones stay', () => {
  const seen = bench.counted(() => flood(2 * SIZE))
  assert.equal(seen.TABLE_FULL, undefined)
  assert.ok(seen.EVICTED > SIZE / 2, JSON.stringify(seen))
  const clients = Array.from({ length: SIZE / 4 }, open)
  const served = clients.filter(({ through }) => through)
  assert.ok(served.length >= 0.99 * clients.length, `${served.length} of ${clients.length}`)
  flood(2 * SIZE)
  for (const { sport } of served) assert.equal(bench.connection(sport)?.state, 'ESTABLISHED')
})

test('half-open connections never have the last eighth of the table', () => {
  const { ESTABLISHED, SYN_RECV } = states()
  assert.ok(ESTABLISHED + SYN_RECV <= SIZE - SIZE / 8 + 2, JSON.stringify(states()))
  const sizes = bench.table.connectionCapacity
  assert.equal(sizes, SIZE)
})

test('with no half-open ones to end, the whole table is for connections; then it is full, and says so', () => {
  bench.setTimeout('SYN_RECV', 1)
  const seen = bench.counted(() => {
    for (let i = 0; i < 3 * SIZE; i += 1) {
      const sport = freshPort()
      if (from(CLIENT, sport, 'syn') !== Verdict.REDIRECT) continue
      answer(sport, 'syn ack')
      from(CLIENT, sport, 'ack')
    }
  })
  assert.ok(seen.TABLE_FULL > 0, JSON.stringify(seen))
  assert.ok(states().ESTABLISHED > SIZE - SIZE / 32, JSON.stringify(states()))
})
