import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { schedulerName, schedulers, wrrCursor, wrrWord } from './schedulers.js'

const word = (highest: number, step: number) => (BigInt(highest) << 32n) | BigInt(step)

describe('the scheduler table', () => {
  it("has each of the datapath's schedulers under ipvsadm's name", () => {
    assert.deepEqual([...schedulers.keys()].join(' '), 'none rr wrr lc wlc sed nq fo ovf dh sh mh lblc lblcr twos')
    for (const [name, id] of schedulers) assert.equal(schedulerName(id), name)
  })
})

describe('what wrr prepares', () => {
  it('is the highest weight less (divisor - 1), and the divisor', () => {
    assert.equal(wrrWord([4, 3, 2]), word(4, 1))
    assert.equal(wrrWord([10, 20, 30]), word(21, 10))
    assert.equal(wrrWord([7]), word(1, 7))
  })

  it('leaves quiesced servers out', () => {
    assert.equal(wrrWord([0, 6, 4]), word(5, 2))
  })

  it('has no highest weight where nobody has a weight: no server is available', () => {
    assert.equal(wrrWord([]) >> 32n, 0n)
    assert.equal(wrrWord([0, 0]) >> 32n, 0n)
  })
})

describe('where a round of wrr goes on after an edit', () => {
  const at = (weight: number, server = 9) => (BigInt(weight) << 32n) | BigInt(server)

  it("is the list's head", () => {
    assert.equal(wrrCursor(at(2), wrrWord([4, 3, 2])) & 0xffff_ffffn, 0n)
  })

  it('is at the same weight where the weights still reach it', () => {
    assert.equal(wrrCursor(at(2), wrrWord([4, 3, 2])), at(2, 0))
  })

  it('is the highest weight where they do not, or where no round was begun', () => {
    assert.equal(wrrCursor(at(9), wrrWord([4, 3])), at(4, 0))
    assert.equal(wrrCursor(0n, wrrWord([4, 3])), at(4, 0))
  })

  it('is brought onto the step of the new divisor', () => {
    assert.equal(wrrCursor(at(14), wrrWord([10, 20])), at(11, 0))
  })
})
