import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseAddress } from './address.js'
import { foldAddress, MAGLEV_SIZE, type MaglevServer, maglevTable, maglevTurns } from './maglev.js'

const server = (slot: number, weight = 1): MaglevServer => ({
  slot,
  address: parseAddress(`198.18.1.${slot}`),
  port: 80,
  weight,
})

/** Whose each place is. */
const places = (servers: readonly MaglevServer[]) => {
  const table = maglevTable(servers)
  assert.ok(table)
  return Array.from({ length: MAGLEV_SIZE }, (_, place) => table.server(place))
}

const count = (table: readonly number[], slot: number) => table.filter((each) => each === slot).length

describe('the turns of servers', () => {
  it('are their weights for each other', () => {
    assert.deepEqual(maglevTurns([30, 20, 10]), [3, 2, 1])
    assert.deepEqual(maglevTurns([7, 7]), [1, 1])
  })

  it('are shifted right until the highest has six bits, and at least one of a server that has a weight', () => {
    assert.deepEqual(maglevTurns([64, 63, 1, 0]), [32, 31, 1, 0])
    assert.deepEqual(maglevTurns([65535, 1024, 1]), [63, 1, 1])
  })

  it('are none where nobody has a weight', () => {
    assert.deepEqual(maglevTurns([0, 0]), [0, 0])
    assert.equal(maglevTable([server(1, 0)]), undefined)
    assert.equal(maglevTable([]), undefined)
  })
})

describe('the table', () => {
  it('has no free place, and each server as many as its weight is of all weights, to a turn', () => {
    const table = places([server(3, 3), server(2, 2), server(1, 1), server(4, 0)])
    assert.equal(count(table, 0), 0)
    assert.equal(count(table, 4), 0)
    for (const slot of [1, 2, 3]) assert.ok(Math.abs(count(table, slot) - (MAGLEV_SIZE * slot) / 6) <= 3, String(slot))
  })

  it('keeps nearly all of the others where they are when a server leaves', () => {
    const all = [5, 4, 3, 2, 1].map((slot) => server(slot))
    const before = places(all)
    const after = places(all.filter(({ slot }) => slot !== 3))
    const moved = before.filter((slot, place) => slot !== 3 && after[place] !== slot).length
    assert.ok(moved < MAGLEV_SIZE / 20, `${moved} moved`)
  })
})

it('an IPv6 address is folded word over word', () => {
  assert.equal(foldAddress(parseAddress('10.1.2.3')), 0x0a010203)
  assert.equal(foldAddress(parseAddress('2001:db8::1')), 0x20010db8 ^ 1)
})
