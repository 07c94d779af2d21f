import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatIPv4, parseIPv4 } from './address.js'
import { isUnicast } from './unicast.js'

describe('IPv4 addresses', () => {
  it('are four bytes in network order', () => {
    assert.deepEqual([...parseIPv4('192.168.10.100')], [192, 168, 10, 100])
    assert.equal(formatIPv4(Uint8Array.of(10, 0, 0, 1)), '10.0.0.1')
  })

  it('that are none are refused', () => {
    for (const text of ['192.168.10', '192.168.10.256', '192.168.10.1.2', 'web1', '1.2.3.-4'])
      assert.throws(() => parseIPv4(text), RangeError, text)
  })
})

describe("a real server's address", () => {
  it('is unicast: not 0.0.0.0, multicast or broadcast', () => {
    for (const text of ['0.0.0.0', '224.0.0.1', '239.255.255.255', '255.255.255.255'])
      assert.equal(isUnicast(text), false, text)
    for (const text of ['192.168.188.82', '10.0.0.1', '223.255.255.254', '0.1.2.3', '240.0.0.1'])
      assert.equal(isUnicast(text), true, text)
  })

  it('of IPv6 is not unspecified, multicast, link-local or mapped', () => {
    for (const text of ['::', 'ff02::1', 'fe80::1', 'febf::1', '::ffff:10.0.0.1'])
      assert.equal(isUnicast(text), false, text)
    for (const text of ['::1', 'fd00::1', 'fec0::1', '2001:db8::', '::2', '::10.0.0.1'])
      assert.equal(isUnicast(text), true, text)
  })
})
