// lblc and lblcr: what they remember, how long, and when they forget. The clock is not asked: entries are made older.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SluiceSlot } from '../../dist/datapath/index.js'
import { Picks } from '../lib/picks.mjs'

const HOUR = 3600
const DAY = 24 * HOUR
const VIP = '198.18.0.100'
const vip = (i) => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`

/** A service with one server a weight, the first in the list being the last. */
function serve(t, scheduler, ...weights) {
  const picks = new Picks({ scheduler })
  t.after(() => picks.close())
  const slots = weights.map((weight, i) => picks.add({ address: '198.18.1.11', port: 8001 + i, weight }))
  return { picks, slots }
}

for (const scheduler of ['lblc', 'lblcr']) {
  describe(scheduler, () => {
    test('an address stays with its server, whatever the others have', (t) => {
      const { picks, slots } = serve(t, scheduler, 4, 4)
      assert.equal(picks.pick({ vip: VIP }), slots[1])
      picks.server(slots[1]).active = 4
      assert.equal(picks.pick({ vip: VIP }), slots[1], 'as many active connections as its weight is not too many')
      assert.equal(picks.pick({ vip: vip(1) }), slots[0], 'another address is chosen for anew')
    })

    test('it leaves a server with too much only while another has less than half of its weight', (t) => {
      const { picks, slots } = serve(t, scheduler, 4, 4)
      picks.pick({ vip: VIP })
      picks.server(slots[1]).active = 5
      picks.server(slots[0]).active = 2
      assert.equal(picks.pick({ vip: VIP }), slots[1])
      picks.server(slots[0]).active = 1
      assert.equal(picks.pick({ vip: VIP }), slots[0])
    })

    test('it leaves a server that is quiesced or was deleted, and a slot that has another server now', (t) => {
      const { picks, slots } = serve(t, scheduler, 1, 1, 1)
      const [first, second, third] = slots
      assert.equal(picks.pick({ vip: VIP }), third)
      picks.weigh(third, 0)
      assert.equal(picks.pick({ vip: VIP }), second)
      picks.server(second).slotState = SluiceSlot.TRASH
      assert.equal(picks.pick({ vip: VIP }), first)
      picks.server(first).active = 1
      picks.server(second).slotState = SluiceSlot.LIVE
      picks.replace(first)
      picks.weigh(third, 1)
      picks.server(third).active = 3
      const remembered = picks.remembered(VIP).servers
      assert.ok(remembered.includes(first))
      if (scheduler === 'lblc') assert.equal(picks.pick({ vip: VIP }), second, 'what was first is not known any more')
    })

    test('what was not used for as long as the sysctl says goes at the half hour', (t) => {
      const { picks } = serve(t, scheduler, 1)
      for (const i of [1, 2]) picks.pick({ vip: vip(i) })
      picks.age(vip(1), { used: DAY + 60 })
      picks.age(vip(2), { used: DAY - HOUR })
      for (let minute = 1; minute < 30; minute += 1) picks.minute()
      assert.equal(picks.entries(), 2)
      picks.minute()
      assert.equal(picks.remembered(vip(1)), undefined)
      assert.ok(picks.remembered(vip(2)))
      assert.equal(picks.service.cached, 1)
    })

    test('a full memory loses what was idle for six minutes, and takes nothing in at half as much again', (t) => {
      const { picks, slots } = serve(t, scheduler, 1)
      picks.pick({ vip: vip(1) })
      picks.age(vip(1), { used: 400 })
      picks.minute()
      assert.equal(picks.entries(), 1, 'there is room')
      picks.service.cached = 16385
      picks.minute()
      assert.equal(picks.entries(), 0)
      assert.equal(picks.service.cached, 16384)
      picks.service.cached = 16384 * 1.5
      assert.equal(picks.pick({ vip: vip(2) }), slots[0], 'a server is chosen all the same')
      assert.equal(picks.remembered(vip(2)), undefined)
    })

    test('a service that begins anew remembers nothing of before', (t) => {
      const { picks, slots } = serve(t, scheduler, 4, 4)
      picks.pick({ vip: VIP })
      picks.server(slots[1]).active = 4
      picks.service.cacheStamp = 2
      picks.service.cached = 0
      assert.equal(picks.pick({ vip: VIP }), slots[0])
      assert.equal(picks.entries(), 2)
      picks.minute()
      assert.equal(picks.entries(), 1, 'and the keeper takes away what nobody can find')
      assert.equal(picks.service.cached, 1)
    })
  })
}

test('lblcr: a set grows by need, the last one first, and loses its most loaded server after a day without change', (t) => {
  const { picks, slots } = serve(t, 'lblcr', 1, 1, 1)
  const [first, second, third] = slots
  picks.pick({ vip: VIP })
  picks.server(third).active = 2
  assert.equal(picks.pick({ vip: VIP }), second)
  picks.server(second).active = 3
  assert.equal(picks.pick({ vip: VIP }), first)
  assert.deepEqual(picks.remembered(VIP).servers, [first, second, third])
  picks.server(first).active = 1
  picks.age(VIP, { modified: DAY - HOUR })
  assert.equal(picks.pick({ vip: VIP }), first)
  assert.deepEqual(picks.remembered(VIP).servers, [first, second, third])
  picks.age(VIP, { modified: 2 * HOUR })
  assert.equal(picks.pick({ vip: VIP }), first)
  assert.deepEqual(picks.remembered(VIP).servers, [first, third])
  assert.equal(picks.pick({ vip: VIP }), first)
  assert.deepEqual(picks.remembered(VIP).servers, [first, third], 'one a day')
})

test('lblcr: a set holds 32 servers; one more takes the place of the one that was there first', (t) => {
  const { picks, slots } = serve(t, 'lblcr', ...Array.from({ length: 40 }, () => 1))
  for (let i = 0; i < 40; i += 1) picks.server(picks.pick({ vip: VIP })).active = 2
  assert.deepEqual(picks.remembered(VIP).servers, slots.slice(0, 32))
})

test('twos: two servers drawn by weight, the one with less overhead for its weight; never one that is not usable', (t) => {
  const { picks, slots } = serve(t, 'twos', 1, 1, 0, 1)
  const counts = new Map(slots.map((slot) => [slot, 0]))
  picks.server(slots[0]).active = 10
  picks.server(slots[1]).active = 5
  for (let i = 0; i < 3000; i += 1) {
    const slot = picks.pick({ vip: VIP })
    counts.set(slot, counts.get(slot) + 1)
  }
  // drawn from 0 to 3: the list's first with 2 chances of 4, the others with one; the least loaded of two draws is taken
  const shares = slots.map((slot) => counts.get(slot) / 3000)
  const expected = [1 / 16, 3 / 16, 0, 12 / 16]
  shares.forEach((share, i) => {
    assert.ok(Math.abs(share - expected[i]) < 0.04, `${shares}`)
  })
})

test('twos: nobody where nobody has a weight', (t) => {
  const { picks } = serve(t, 'twos', 0, 0)
  assert.equal(picks.pick({ vip: VIP }), 0)
})

test('none: a service without a scheduler takes no connection', (t) => {
  const { picks } = serve(t, 'none', 1)
  assert.equal(picks.pick({ vip: VIP }), 0)
})
