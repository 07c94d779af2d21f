import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AnnounceSchedule, announcement } from './announce.js'

const mac = Uint8Array.of(2, 0, 0, 0, 0, 1)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('IPv4: an ARP request to everybody for the address, by the address (RFC 5227 section 3)', () => {
  assert.equal(
    hex(announcement('10.0.0.100', mac)),
    ['ffffffffffff', '020000000001', '0806', '0001', '0800', '06', '04', '0001'].join('') +
      ['020000000001', '0a000064', 'ffffffffffff', '0a000064'].join(''),
  )
})

test('IPv6: an unsolicited neighbour advertisement to all nodes that overrides what they know', () => {
  const frame = Buffer.from(announcement('fe80::100', mac))
  assert.equal(frame.subarray(0, 14).toString('hex'), '33330000000102000000000186dd')
  assert.equal(frame.readUInt8(21), 255, 'hop limit')
  const message = frame.subarray(54)
  assert.equal(message.readUInt8(0), 136)
  assert.equal(message.readUInt32BE(4), 0xa000_0000)
  assert.equal(message.subarray(24).toString('hex'), '0201020000000001')
  // the sum over the pseudo-header and the message, its checksum included, is ffff
  let sum = message.length + 58
  for (let i = 22; i < frame.length; i += 2) sum += frame.readUInt16BE(i)
  assert.equal(sum % 0xffff, 0)
})

test('a row at once, one more later, then refreshments; none of it when it is master no more', () => {
  const schedule = new AnnounceSchedule({ repeat: 5, again: 5000, refresh: 60_000, refreshRepeat: 1 })
  assert.equal(schedule.deadline, undefined)
  assert.equal(schedule.begin(0), 5)
  assert.equal(schedule.deadline, 5000)
  assert.equal(schedule.expire(4999), 0)
  assert.equal(schedule.expire(5000), 5)
  assert.equal(schedule.deadline, 60_000)
  assert.equal(schedule.expire(60_000), 1)
  assert.equal(schedule.deadline, 120_000)
  schedule.end()
  assert.equal(schedule.deadline, undefined)
  assert.equal(schedule.expire(200_000), 0)
})
