import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalAddress, formatIPv6, readIPv4, readIPv6 } from './address.js'

describe('IPv4 as inet_aton reads it', () => {
  for (const [text, value] of [
    ['10.0.0.1', 0x0a000001],
    ['10.1', 0x0a000001],
    ['10.1.2', 0x0a010002],
    ['167772161', 0x0a000001],
    ['0x0a000001', 0x0a000001],
    ['010.0.0.1', 0x08000001],
    ['255.255.255.255', 0xffffffff],
    ['10.0.0.1 and more', 0x0a000001],
  ] as const)
    it(text, () => assert.equal(readIPv4(text), value))
  for (const text of [
    '',
    '10.0.0.256',
    '10.0.65536',
    '1.2.3.4.5',
    '08.0.0.1',
    '10..1',
    ' 10.0.0.1',
    '-1',
    '4294967296',
  ])
    it(`not ${JSON.stringify(text)}`, () => assert.equal(readIPv4(text), undefined))
})

describe('IPv6 in its shortest form', () => {
  for (const [text, short] of [
    ['::', '::'],
    ['::1', '::1'],
    ['FD00:0:0:0:0:0:0:1', 'fd00::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
    ['::a00:1', '::10.0.0.1'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
  ] as const)
    it(text, () => assert.equal(canonicalAddress(text), short))
  for (const text of [
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'fe80::1%eth0',
    '::1.2.3',
    '::01.2.3.4',
    '1:',
  ])
    it(`not ${JSON.stringify(text)}`, () => assert.equal(readIPv6(text), undefined))
  it('reads what it writes', () => {
    for (let bits = 0; bits < 256; bits += 1) {
      const groups = Array.from({ length: 8 }, (_, i) => (bits >> i) & 1 && 0x1000 + i)
      assert.deepEqual(readIPv6(formatIPv6(groups)), groups)
    }
  })
})
