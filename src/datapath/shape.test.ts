// Records of one layout made from those of another, by the types in a compiled object.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectBtf } from '../kernel/index.js'
import { readObject } from './object.js'
import { converter, type Leaf, leavesOf, sameLeaves } from './shape.js'

const leaf = (path: string, offset: number, size = 4, more: Partial<Leaf> = {}): Leaf => ({
  ...{ path, offset, size, count: 1, signed: false },
  ...more,
})

function convert(from: Leaf[], to: Leaf[], bytes: number[], into: number[]): number[] | string {
  const work = converter(from, to)
  if (typeof work === 'string') return work
  const target = Uint8Array.from(into)
  work(Uint8Array.from(bytes), target)
  return [...target]
}

test('what has the same name is found again wherever it stands; what is new stays, what is gone is left out', () => {
  const from = [leaf('a', 0, 2), leaf('gone', 2, 2), leaf('b', 4, 2)]
  const to = [leaf('b', 0, 2), leaf('a', 2, 2), leaf('fresh', 4, 2)]
  assert.deepEqual(convert(from, to, [1, 2, 3, 4, 5, 6], [9, 9, 9, 9, 9, 9]), [5, 6, 1, 2, 9, 9])
})

test('a number may become wider, and keeps its sign; a row may become longer', () => {
  const from = [leaf('n', 0, 1, { signed: true }), leaf('row', 1, 1, { count: 2 })]
  const to = [leaf('n', 0, 4, { signed: true }), leaf('row', 4, 1, { count: 4 })]
  assert.deepEqual(convert(from, to, [0xfe, 7, 8], [0, 0, 0, 0, 1, 2, 3, 4]), [0xfe, 0xff, 0xff, 0xff, 7, 8, 3, 4])
})

test('narrower or shorter: refused by name', () => {
  assert.match(String(converter([leaf('n', 0, 8)], [leaf('n', 0, 4)])), /^n has fewer bytes/)
  assert.match(
    String(converter([leaf('row', 0, 4, { count: 3 })], [leaf('row', 0, 4, { count: 2 })])),
    /^row has fewer elements/,
  )
})

test('the leaves of a record of the datapath: by name and place, without its timer and what is spare', () => {
  const btf = objectBtf(readObject('sluice'))
  const types = btf.map('servers')
  const leaves = leavesOf(btf, types?.value as number)
  const paths = leaves.map(({ path }) => path)
  assert.ok(paths.includes('options[1].weight') && paths.includes('address') && paths.includes('owner.port'))
  assert.deepEqual(
    leaves.find(({ path }) => path === 'address'),
    leaf('address', 0, 1, { count: 16 }),
  )
  const hand = leavesOf(btf, btf.map('wheel_hands')?.value as number).map(({ path }) => path)
  assert.ok(hand.includes('tick') && !hand.some((path) => /timer|spare/.test(path)))
  assert.ok(sameLeaves(leaves, leavesOf(objectBtf(readObject('sluice')), types?.value as number)))
  assert.equal(btf.enumeration('sluice_sysctl')?.get('SLUICE_SYSCTL_AMEMTHRESH'), 1)
})
