import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { History, MEMORY, MOST_STRETCHES, merge, type State, type Stretch, states, thin } from './history.js'

const seed = Number(process.env.SLUICE_SEED ?? 1)

/** Numbers from 0 to below 1, the same for the same seed. */
function random(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

const times = ({ up, down, planned, unseen }: Stretch) => ({ up, down, planned, unseen })

function history(...entries: readonly (readonly [number, State])[]): History {
  const result = new History()
  for (const [at, state] of entries) result.enter(state, at)
  return result
}

describe('a history', () => {
  it('adds up each state within a window', () => {
    const life = history([0, 'unseen'], [10, 'up'], [110, 'down'], [130, 'up'], [200, 'planned'], [250, 'up'])
    assert.deepEqual(times(life.totals(0, 300)), { up: 220, down: 20, planned: 50, unseen: 10 })
    assert.equal(life.totals(0, 300).failures, 1)
    assert.deepEqual(times(life.totals(120, 220)), { up: 70, down: 10, planned: 20, unseen: 0 })
  })

  it('counts an outage that began before the window, once', () => {
    const life = history([0, 'up'], [50, 'down'], [150, 'up'])
    assert.equal(life.totals(100, 200).failures, 1)
    assert.equal(life.totals(0, 200).failures, 1)
    assert.equal(life.totals(150, 200).failures, 0)
  })

  it('takes an outage during which nobody looked for a while for one', () => {
    const life = history([0, 'up'], [10, 'down'], [20, 'unseen'], [30, 'down'], [40, 'up'])
    assert.equal(life.totals(0, 50).failures, 1)
    assert.equal(history([0, 'up'], [20, 'unseen'], [30, 'down']).totals(0, 50).failures, 1)
    assert.equal(life.totals(25, 50).failures, 1)
  })

  it('counts an outage whose first moment was the last that was seen', () => {
    const life = history([0, 'up'], [10, 'down'], [10, 'unseen'], [30, 'down'], [40, 'up'])
    assert.deepEqual(times(life.totals(0, 50)), { up: 20, down: 10, planned: 0, unseen: 20 })
    assert.equal(life.totals(0, 50).failures, 1)
  })

  it('says nothing new of a state that it is in', () => {
    const life = history([0, 'up'])
    assert.equal(life.enter('up', 10), false)
    assert.equal(life.enter('down', 10), true)
  })

  it('knows nothing of the time in which something was not there', () => {
    const life = history([0, 'up'], [10, 'down'])
    life.enter(undefined, 20)
    life.enter('up', 50)
    assert.deepEqual(times(life.totals(0, 60)), { up: 20, down: 10, planned: 0, unseen: 0 })
  })

  it('is the same in a window as in its parts, and as counted millisecond by millisecond', () => {
    const next = random(seed)
    const pick = (most: number) => Math.floor(next() * most)
    for (let round = 0; round < 300; round += 1) {
      const life = new History()
      const every: State[] = []
      for (let at = 0; at < 300; ) {
        const state = states[pick(4)] as State
        life.enter(state, at)
        const length = pick(40)
        for (let i = 0; i < length; i += 1) every.push(state)
        at += length
      }
      const [a = 0, b = 0, c = 0] = [pick(every.length), pick(every.length), pick(every.length)].sort((x, y) => x - y)
      const counted = { up: 0, down: 0, planned: 0, unseen: 0 }
      for (const state of every.slice(a, c)) counted[state] += 1
      assert.deepEqual(times(life.totals(a, c)), counted, `seed ${seed}, round ${round}`)
      assert.deepEqual(times(merge(life.totals(a, b), life.totals(b, c))), counted, `seed ${seed}, round ${round}`)
    }
  })

  it('comes back from its record', () => {
    const life = history([0, 'up'], [10, 'down'], [20, 'unseen'])
    const copy = new History(JSON.parse(JSON.stringify(life.record)))
    for (const one of [life, copy]) one.enter('down', 30)
    assert.deepEqual(copy.totals(0, 50), life.totals(0, 50))
    assert.equal(copy.totals(0, 50).failures, 1)
  })
})

describe('a history of very many changes', () => {
  const flapping = (changes: number, length: number) => {
    const life = new History()
    for (let i = 0; i <= changes; i += 1) life.enter(i % 2 === 0 ? 'up' : 'down', i * length)
    return life
  }

  it('stays bounded, its sums stay exact', () => {
    for (const [changes, length] of [
      [10_000, 1],
      [100_000, 1000],
      [50_000, 60_000],
    ] as const) {
      const life = flapping(changes, length)
      const end = changes * length
      assert.ok(life.record.past.length <= MOST_STRETCHES + 1, `${life.record.past.length} stretches`)
      const { from, failures, ...sums } = life.totals(0, end)
      assert.deepEqual(times({ from, failures, ...sums }), {
        up: (changes / 2) * length,
        down: (changes / 2) * length,
        planned: 0,
        unseen: 0,
      })
      assert.equal(failures, changes / 2)
    }
  })

  it('begins a window by at most a 32nd of it earlier, and says so', () => {
    const life = flapping(100_000, 1000)
    const end = 100_000_000
    for (const window of [60_000, 3_600_000, 86_400_000]) {
      const sum = life.totals(end - window, end)
      assert.ok(end - sum.from >= window && end - sum.from <= window * (1 + 1 / 31), `${end - sum.from} of ${window}`)
      assert.equal(sum.up + sum.down, end - sum.from)
    }
  })

  it('keeps what is recent as it was', () => {
    const past = flapping(5000, 1000).record.past
    const thinned = thin(past, 5_000_000)
    assert.deepEqual(thinned.slice(-30), past.slice(-30))
    assert.ok(thinned.length < past.length / 4)
  })

  it('forgets what is more than a year old', () => {
    const life = history([0, 'up'], [10, 'down'], [20, 'up'])
    assert.equal(life.forget(MEMORY + 15), true)
    assert.equal(life.record.past.length, 1)
    life.enter(undefined, MEMORY + 15)
    assert.equal(life.forget(3 * MEMORY), false)
  })
})
