import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { windows } from './report.js'
import { allowed, downPercent, durationText, parseTarget } from './target.js'

const aYear = (text: string) => allowed(parseTarget(text), windows.year)

describe('what may be down', () => {
  it("is the notes' table for a year", () => {
    const table = ['90', '99', '99.9', '99.99', '99.999', '99.9999'].map((text) => [
      downPercent(parseTarget(text)),
      durationText(aYear(text)),
    ])
    assert.deepEqual(table, [
      ['10', '36.5 days'],
      ['1', '87.6 hours'],
      ['0.1', '8.76 hours'],
      ['0.01', '52.6 minutes'],
      ['0.001', '5.26 minutes'],
      ['0.0001', '31.5 seconds'],
    ])
  })

  it('is exact to the millisecond, rounded down', () => {
    assert.equal(aYear('99.9'), 31_536_000)
    assert.equal(aYear('99.999'), 315_360)
    assert.equal(aYear('99.99999'), 3153)
    assert.equal(allowed(parseTarget('99.95'), windows['30d']), 1_296_000)
    assert.equal(allowed(parseTarget('0'), windows.day), windows.day)
  })

  it('is of a percentage below 100', () => {
    assert.equal(parseTarget(' 99.90 %').text, '99.90')
    for (const text of ['100', '', '.9', '99.', '1e1', '-1', '99,9', '0x10', '99.9999999999999'])
      assert.throws(() => parseTarget(text), RangeError, text)
  })
})

describe('durations', () => {
  it('have three digits and the unit that says most', () => {
    const shown = [0, 999, 1000, 61_000, 3_600_000, 86_400_000, 259_200_000, 864_000_000, -5000].map(durationText)
    assert.deepEqual(shown, [
      '0 ms',
      '999 ms',
      '1 second',
      '1.02 minutes',
      '1 hour',
      '24 hours',
      '72 hours',
      '10 days',
      '-5 seconds',
    ])
  })
})
