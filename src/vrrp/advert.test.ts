import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Advert, decodeAdvert, type Expected, encodeAdvert, RejectedError } from './advert.js'

const envelope = { source: '10.0.0.1', destination: '224.0.0.18', hops: 255 }
const envelope6 = { source: 'fe80::1', destination: 'ff02::12', hops: 255 }
const advert: Advert = {
  version: 3,
  family: 4,
  vrid: 51,
  priority: 100,
  interval: 1000,
  addresses: ['10.0.0.100', '10.0.0.101'],
}
const expected: Expected = { version: 3, family: 4, oneHop: true }

const rejected = (reason: string, work: () => unknown) =>
  assert.throws(work, (error) => error instanceof RejectedError && error.reason === reason, reason)

test('version 3, IPv4: the bytes of RFC 9568 section 5.1, the checksum over the pseudo-header as RFC 5798 was read', () => {
  const bytes = Buffer.from(encodeAdvert(advert, envelope))
  assert.equal(bytes.subarray(0, 6).toString('hex'), '313364020064')
  assert.equal(bytes.subarray(8).toString('hex'), '0a0000640a000065')
  // a second way of summing: all 16-bit words of pseudo-header and message together make ffff
  const pseudo = Buffer.from('0a000001e0000012007000', 'hex')
  const whole = Buffer.concat([pseudo, Buffer.from([bytes.length]), bytes])
  let sum = 0
  for (let i = 0; i < whole.length; i += 2) sum += whole.readUInt16BE(i)
  assert.equal((sum % 0xffff) + (sum === 0 ? 1 : 0), 0)
})

test('what was written is read again: every version and family, with and without the pseudo-header and a password', () => {
  const wide: Advert = { ...advert, family: 6, addresses: ['fe80::64', '2001:db8::1'] }
  const old: Advert = { ...advert, version: 2 }
  assert.deepEqual(decodeAdvert(encodeAdvert(advert, envelope), envelope, expected), advert)
  assert.deepEqual(decodeAdvert(encodeAdvert(advert, envelope, { pseudoHeader: false }), envelope, expected), advert)
  assert.deepEqual(decodeAdvert(encodeAdvert(wide, envelope6), envelope6, { ...expected, family: 6 }), wide)
  assert.deepEqual(decodeAdvert(encodeAdvert(old, envelope), envelope, { ...expected, version: 2 }), old)
  const authentication = { type: 'password', password: 'secret78longer' } as const
  const bytes = encodeAdvert(old, envelope, { authentication })
  assert.equal(Buffer.from(bytes.subarray(-8)).toString(), 'secret78')
  assert.deepEqual(decodeAdvert(bytes, envelope, { ...expected, version: 2, authentication }), old)
})

test('what cannot be said is not sent', () => {
  for (const wrong of [
    { vrid: 0 },
    { vrid: 256 },
    { priority: 256 },
    { interval: 5 },
    { interval: 41_000 },
    { version: 2 as const, interval: 100 },
    { version: 2 as const, family: 6 as const },
    { addresses: ['fe80::1'] },
    { addresses: Array.from({ length: 256 }, () => '10.0.0.1') },
  ])
    assert.throws(() => encodeAdvert({ ...advert, ...wrong }, envelope), RangeError, JSON.stringify(wrong))
})

test('nothing is taken from an advertisement that does not verify', () => {
  const good = encodeAdvert(advert, envelope)
  const changed = (at: number, value: number) => {
    const bytes = good.slice()
    bytes[at] = value
    return bytes
  }
  const read = (bytes: Uint8Array, more: Partial<typeof envelope> = {}, want: Partial<Expected> = {}) =>
    decodeAdvert(bytes, { ...envelope, ...more }, { ...expected, ...want })
  rejected('hops', () => read(good, { hops: 254 }))
  assert.ok(read(good, { hops: 254 }, { oneHop: false }), 'a unicast peer may be behind a router')
  rejected('version', () => read(changed(0, 0x21)))
  rejected('type', () => read(changed(0, 0x32)))
  rejected('vrid', () => read(changed(1, 0)))
  rejected('checksum', () => read(changed(2, 101)))
  rejected('checksum', () => read(good, { source: '10.0.0.2' }))
  rejected('length', () => read(changed(3, 3)))
  rejected('length', () => read(good.subarray(0, 7)))
  rejected('length', () => read(Buffer.concat([good, Buffer.of(0)])))
  const silent = encodeAdvert({ ...advert, interval: 10 }, envelope)
  silent[5] = 0
  rejected('interval', () => read(silent))
  const old = encodeAdvert({ ...advert, version: 2 }, envelope)
  const authentication = { type: 'password', password: 'x' } as const
  rejected('authentication', () => read(old, {}, { version: 2, authentication }))
  const signed = encodeAdvert({ ...advert, version: 2 }, envelope, { authentication })
  rejected('authentication', () => read(signed, {}, { version: 2 }))
  const other = { type: 'password', password: 'y' } as const
  rejected('authentication', () => read(signed, {}, { version: 2, authentication: other }))
})

test('mutated advertisements: each is taken as something that can be sent again, or rejected by name', () => {
  const good = encodeAdvert(advert, envelope)
  let seed = 20
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % below
  }
  let taken = 0
  for (let i = 0; i < 20_000; i += 1) {
    const bytes = good.slice(0, random(8) === 0 ? random(good.length + 1) : good.length)
    for (let n = random(3); n > 0 && bytes.length > 0; n -= 1) bytes[random(bytes.length)] = random(256)
    try {
      const found = decodeAdvert(bytes, envelope, expected)
      assert.ok(encodeAdvert(found, envelope).byteLength === bytes.byteLength)
      taken += 1
    } catch (error) {
      assert.ok(error instanceof RejectedError, `seed 20, step ${i}: ${error}`)
    }
  }
  assert.ok(taken > 0)
})
