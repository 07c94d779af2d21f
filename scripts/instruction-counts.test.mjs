// The programs that packets pass do not grow unnoticed. What a packet costs is counted by `npm run test:oracle -- instructions`.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asTable, compare, functionsNow, readKept } from './lib/instruction-counts.mjs'

const kept = readKept()

describe('instructions of the functions that packets pass', () => {
  for (const [object, sizes] of Object.entries(functionsNow(kept))) {
    it(`${object}: none has grown by more than 5 % since it was last accepted`, (t) => {
      const compared = compare(kept.functions[object] ?? {}, sizes)
      for (const line of asTable(compared).split('\n')) t.diagnostic(line)
      const grown = compared.filter((one) => one.grown)
      assert.equal(
        grown.length,
        0,
        `worth it? then accept: node scripts/instruction-counts.mjs --accept\n${asTable(grown)}`,
      )
    })
  }
})

describe('the comparison of counts', () => {
  it('takes 5 % more, and anything less', () => {
    assert.deepEqual(
      compare({ a: 100, b: 100 }, { a: 105, b: 20 }).map((one) => one.grown),
      [false, false],
    )
  })

  it('tells what has grown by more, and what nobody has accepted yet', () => {
    const compared = compare({ a: 100 }, { a: 106, b: 1 })
    assert.deepEqual(
      compared.map((one) => one.grown),
      [true, true],
    )
    assert.match(asTable(compared), /^a +100 -> +106 \(\+6\.0 %\) {2}GROWN\nb +none -> +1 {2}GROWN$/)
  })
})
