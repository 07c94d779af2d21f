// rr, wrr, lc and wlc: thousands of picks among random edits, each the one that the specification's steps give.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SluiceDrop } from '../../dist/datapath/index.js'
import { keyRecord } from '../../dist/ipvs/records.js'
import { arrives, Bench, CLIENT, packet, SERVER, Verdict, VIP } from '../lib/bench.mjs'
import { dotted } from '../lib/packet.mjs'
import { Reference, random } from '../lib/reference.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const seeds = [1, 2, 3, Number(process.env.SLUICE_SEED ?? 1)]

let added = 0
let client = 0
/** Every packet is another client's, so that ports never run out. */
function nextClient() {
  client += 1
  return { source: dotted([198, 18, 0, 10]), sport: 1024 + (client % 60000) }
}

/** Sends a SYN to the service; the server's port tells which one got it. */
function pick(port) {
  const { source, sport } = nextClient()
  const refused = bench.table.drops(SluiceDrop.NO_SERVER)
  const got = bench.send(arrives(CLIENT, 'eth0', packet({ source, destination: VIP, sport, dport: port })))
  if (bench.table.drops(SluiceDrop.NO_SERVER) > refused) return undefined
  assert.equal(got.verdict, Verdict.REDIRECT)
  return { server: got.frame.readUInt16BE(36), sport }
}

const WEIGHTS = [0, 1, 1, 2, 3, 4, 6, 7, 10, 12, 100, 65535]

for (const scheduler of ['rr', 'wrr', 'lc', 'wlc']) {
  describe(scheduler, () => {
    for (const seed of seeds) {
      test(`random servers, weights, additions, deletions and edits (SLUICE_SEED=${seed})`, (t) => {
        t.diagnostic(`seed ${seed}`)
        const rand = random(seed)
        const port = 80
        const key = bench.serve({ port, scheduler })
        t.after(() => bench.stop(key))
        const reference = new Reference(scheduler)
        const options = (weight) => ({ method: 'masq', weight })
        const open = []
        const history = []
        const say = (line) => history.push(line)
        for (let round = 0; round < 40; round += 1) {
          const action = rand(4)
          const names = reference.servers.map(({ name }) => name)
          if (names.length === 0 || (action === 0 && names.length < 12)) {
            // another port each time: none comes back from the trash with its old counts
            added += 1
            const name = 1000 + added
            const weight = WEIGHTS[rand(WEIGHTS.length)]
            reference.add(name, weight)
            bench.edit((director) => director.addServer(key, { address: SERVER, port: name }, options(weight)))
            say(`add ${name} weight ${weight}`)
          } else if (action === 1 && names.length > 1) {
            const name = names[rand(names.length)]
            reference.remove(name)
            bench.edit((director) => director.deleteServer(key, { address: SERVER, port: name }))
            say(`delete ${name}`)
          } else if (action === 2) {
            const name = names[rand(names.length)]
            const weight = WEIGHTS[rand(WEIGHTS.length)]
            reference.edit(name, weight)
            bench.edit((director) => director.editServer(key, { address: SERVER, port: name }, options(weight)))
            say(`edit ${name} weight ${weight}`)
          }
          for (let picks = rand(40); picks >= 0; picks -= 1) {
            const expected = reference.pick()?.name
            const got = pick(port)
            say(`pick ${got?.server}`)
            assert.equal(got?.server, expected, `seed ${seed}:\n${history.slice(-60).join('\n')}`)
            if (!got) continue
            const server = reference.find(got.server)
            server.active += 1
            open.push({ ...got, connection: server, active: true })
            // some are closed, and count as inactive from then on
            if (rand(3) === 0) {
              const closing = open[rand(open.length)]
              if (!closing.active || !reference.servers.includes(closing.connection)) continue
              const rst = { source: CLIENT, destination: VIP, sport: closing.sport, dport: port }
              bench.send(arrives(CLIENT, 'eth0', packet({ ...rst, flags: 'ack' })))
              bench.send(arrives(CLIENT, 'eth0', packet({ ...rst, flags: 'rst' })))
              closing.active = false
              closing.connection.active -= 1
              closing.connection.inactive += 1
            }
          }
          const counts = bench.service(key).servers.map((s) => [s.port, s.weight, s.active, s.inactive])
          assert.deepEqual(
            counts,
            reference.servers.map((s) => [s.name, s.weight, s.active, s.inactive]),
            'list order, weights and counts',
          )
        }
      })
    }
  })
}

test('a service that changes its scheduler starts anew; its servers and connections stay', (t) => {
  const key = bench.serve({ port: 81, scheduler: 'rr' }, ...[1, 2, 3].map((n) => ({ port: 8100 + n, weight: n })))
  t.after(() => bench.stop(key))
  const picks = (n) => Array.from({ length: n }, () => pick(81).server - 8100)
  assert.deepEqual(picks(4), [3, 2, 1, 3])
  bench.edit((director) => director.editService(key, { scheduler: 'wrr' }))
  // weights 1, 2, 3: rounds of 3, 2, 1
  assert.deepEqual(picks(7), [3, 3, 2, 3, 2, 1, 3])
  bench.edit((director) => director.editService(key, { scheduler: 'rr' }))
  assert.deepEqual(picks(4), [3, 2, 1, 3])
  // the same scheduler again changes nothing
  bench.edit((director) => director.editService(key, { scheduler: 'rr' }))
  assert.deepEqual(picks(2), [2, 1])
  assert.equal(
    bench.service(key).servers.reduce((sum, server) => sum + server.active, 0),
    17,
  )
})

test('the examples of the LVS documentation: wrr with weights 4, 3, 2 is AABABCABC', (t) => {
  // https://kb.linuxvirtualserver.org: the list order is the reverse of adding
  const servers = [
    ['C', 2],
    ['B', 3],
    ['A', 4],
  ]
  const key = bench.serve(
    { port: 82, scheduler: 'rr' },
    ...servers.map(([name, weight]) => ({ port: 8200 + name.charCodeAt(0), weight })),
  )
  t.after(() => bench.stop(key))
  // wrr begins its rounds at the top when it finds the servers there
  bench.edit((director) => director.editService(key, { scheduler: 'wrr' }))
  const order = Array.from({ length: 18 }, () => String.fromCharCode(pick(82).server - 8200)).join('')
  assert.equal(order, 'AABABCABCAABABCABC')
})

test('each service has its own cursor, TCP and UDP on one port are two services', (t) => {
  const keys = [
    bench.serve({ port: 83 }, { port: 8301 }, { port: 8302 }),
    bench.serve({ port: 84 }, { port: 8401 }, { port: 8402 }),
  ]
  t.after(() => bench.stop(...keys))
  const order = [83, 83, 84, 83, 84, 84, 83].map((port) => pick(port).server)
  assert.deepEqual(order, [8302, 8301, 8402, 8302, 8401, 8402, 8301])
})

test('thresholds: none from the upper on, again below three quarters of it, or below the lower', (t) => {
  for (const [lower, again] of [
    [0, 2],
    [2, 1],
  ]) {
    const port = 85 + lower
    const key = bench.serve({ port }, { port: 8500 + lower, upperThreshold: 4, lowerThreshold: lower })
    t.after(() => bench.stop(key))
    const opened = Array.from({ length: 4 }, () => pick(port).sport)
    assert.equal(pick(port), undefined, 'the fifth is refused')
    const count = () => bench.service(key).servers[0].active + bench.service(key).servers[0].inactive
    // connections end here when their time is over
    bench.setTimeout('CLOSE', 0)
    let refused = 0
    while (count() > 0) {
      const open = count()
      const sport = opened.pop()
      const rst = { source: CLIENT, destination: VIP, sport, dport: port, flags: 'rst' }
      bench.send(arrives(CLIENT, 'eth0', packet({ ...rst, flags: 'ack' })))
      bench.send(arrives(CLIENT, 'eth0', packet(rst)))
      for (const end = Date.now() + 5000; count() === open && Date.now() < end; );
      assert.equal(count(), open - 1, 'a connection whose time is over is gone')
      if (count() === again) break
      assert.equal(pick(port), undefined, `${count()} connections, lower threshold ${lower}`)
      refused += 1
    }
    bench.setTimeout('CLOSE', 10)
    assert.ok(refused >= 1)
    assert.ok(pick(port), `${again} connections are below`)
  }
})

test('thresholds: a server that comes back is judged by those that it comes back with', (t) => {
  const port = 89
  const server = { address: SERVER, port: 8900 }
  const options = (upperThreshold) => ({ method: 'masq', weight: 1, upperThreshold })
  const key = bench.serve({ port }, { port: server.port, upperThreshold: 2 })
  t.after(() => bench.stop(key))
  const comesBack = (upper) =>
    bench.edit((director) => {
      director.deleteServer(key, server)
      director.addServer(key, server, options(upper))
    })
  pick(port)
  pick(port)
  comesBack(2)
  assert.equal(pick(port), undefined)
  comesBack(3)
  assert.equal(pick(port).server, 8900)
  assert.equal(pick(port), undefined)
})

describe("mh's lookup table", () => {
  const MH = { scheduler: 'mh' }
  const slotOf = (key) => bench.table.findService(keyRecord(key))
  const tableOf = (slot) => Buffer.from(bench.table.maglev(slot)?.bytes() ?? [])

  test('comes and goes with the scheduler and the service', (t) => {
    const key = bench.serve({ port: 90, ...MH }, { port: 9001 }, { port: 9002 })
    const slot = slotOf(key)
    const first = tableOf(slot)
    assert.ok(first.length > 0)
    bench.edit((director) => director.editService(key, { scheduler: 'rr' }))
    assert.equal(tableOf(slot).length, 0)
    bench.edit((director) => director.editService(key, MH))
    assert.deepEqual(tableOf(slot), first)
    bench.edit((director) => director.editService(key, { scheduler: 'sh' }))
    bench.edit((director) => director.editService(key, MH))
    bench.stop(key)
    assert.equal(tableOf(slot).length, 0)
    t.diagnostic(`${first.length} bytes`)
  })

  test('does not change while a server is quiesced', (t) => {
    const key = bench.serve({ port: 91, ...MH }, { port: 9101, weight: 2 }, { port: 9102, weight: 3 })
    t.after(() => bench.stop(key))
    const before = tableOf(slotOf(key))
    const weigh = (weight) =>
      bench.edit((director) => director.editServer(key, { address: SERVER, port: 9101 }, { method: 'masq', weight }))
    weigh(0)
    assert.deepEqual(tableOf(slotOf(key)), before)
    weigh(2)
    assert.deepEqual(tableOf(slotOf(key)), before)
    weigh(1)
    assert.notDeepEqual(tableOf(slotOf(key)), before)
  })

  test('is made anew by the command that finds an edit cut off', (t) => {
    const key = bench.serve({ port: 92, ...MH }, { port: 9201, weight: 2 }, { port: 9202 })
    const other = bench.serve({ port: 93, scheduler: 'rr' }, { port: 9301 })
    t.after(() => bench.stop(key, other))
    const [slot, otherSlot] = [slotOf(key), slotOf(other)]
    const before = tableOf(slot)
    // the table of another list of servers; a table that nobody looks into; a weight whose edit stopped half-way
    const wrong = bench.table.maglev(slot)
    for (let place = 0; place < 100; place += 1) wrong.setServer(place, 0)
    bench.table.publishMaglev(slot, wrong)
    bench.table.publishMaglev(otherSlot, wrong)
    const server = bench.table.server(bench.table.service(slot).head)
    server.lastWeight = 77
    bench.table.settings.journal = 1
    bench.edit((director) => director.setTimeouts({ tcp: 900 }))
    assert.deepEqual(tableOf(slot), before)
    assert.equal(tableOf(otherSlot).length, 0)
    assert.equal(server.lastWeight, 1)
  })
})
