import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Action, type MachineOptions, VrrpMachine } from './machine.js'

const LOWER = Uint8Array.of(10, 0, 0, 1)
const OURS = Uint8Array.of(10, 0, 0, 5)
const HIGHER = Uint8Array.of(10, 0, 0, 9)
const options: MachineOptions = {
  version: 3,
  priority: 100,
  interval: 1000,
  preempt: true,
  preemptDelay: 0,
  address: OURS,
}
const machine = (more: Partial<MachineOptions> = {}) => new VrrpMachine({ ...options, ...more })
const text = (actions: Action[]) =>
  actions.map((action) =>
    [action.do, 'state' in action ? action.state : 'priority' in action ? action.priority : undefined]
      .filter((part) => part !== undefined)
      .join(' '),
  )
const advert = (priority: number, interval = 1000) => ({ priority, interval })
/** 256 - 100 of 256 parts of a second */
const SKEW = 609.375

test('nobody is heard for three intervals and the skew: the backup becomes master, tells so, and takes the addresses', () => {
  const one = machine()
  assert.deepEqual(text(one.start(0)), ['become backup'])
  assert.equal(one.deadline, 3000 + SKEW)
  assert.deepEqual(one.expire(3000), [], 'too early')
  assert.deepEqual(text(one.expire(3000 + SKEW)), ['advertise 100', 'become master', 'announce'])
  assert.equal(one.deadline, 4000 + SKEW)
  assert.deepEqual(text(one.expire(4000 + SKEW)), ['advertise 100'])
})

test('the owner of the addresses does not wait', () => {
  assert.deepEqual(text(machine({ priority: 255 }).start(0)), ['advertise 255', 'become master', 'announce'])
})

test('a master that gives up is followed within the skew time', () => {
  const one = machine()
  one.start(0)
  assert.deepEqual(one.receive(advert(0), HIGHER, 100), [])
  assert.equal(one.deadline, 100 + SKEW)
})

test('an advert of the same or a higher priority keeps a backup waiting; a lower one does not, if it may preempt', () => {
  const one = machine()
  one.start(0)
  one.receive(advert(100), LOWER, 1000)
  assert.equal(one.deadline, 4000 + SKEW)
  one.receive(advert(99), LOWER, 2000)
  assert.equal(one.deadline, 4000 + SKEW)
  const patient = machine({ preempt: false })
  patient.start(0)
  patient.receive(advert(1), LOWER, 2000)
  assert.equal(patient.deadline, 5000 + SKEW)
})

test('with a delay, a lower master is left alone for that long from when it is first heard', () => {
  const one = machine({ preemptDelay: 2000 })
  one.start(0)
  one.receive(advert(50), LOWER, 1000)
  assert.equal(one.deadline, 4000 + SKEW)
  one.receive(advert(50), LOWER, 2900)
  assert.equal(one.deadline, 5900 + SKEW)
  one.receive(advert(50), LOWER, 3000)
  assert.equal(one.deadline, 5900 + SKEW, 'patience is over: the time runs down')
})

test('version 3 waits by the master’s interval, version 2 by its own; the skew of version 2 is of a second', () => {
  const one = machine()
  one.start(0)
  one.receive(advert(200, 100), HIGHER, 0)
  assert.equal(one.deadline, 300 + SKEW / 10)
  const old = machine({ version: 2, interval: 2000 })
  old.start(0)
  old.receive(advert(200, 1000), HIGHER, 0)
  assert.equal(old.deadline, 6000 + SKEW)
})

test('two masters: the higher priority, then the higher address, stays; who stays tells the link again', () => {
  const master = () => {
    const one = machine()
    one.start(0)
    one.expire(10_000)
    assert.equal(one.state, 'master')
    return one
  }
  const stays = ['advertise 100', 'announce', 'report']
  assert.deepEqual(text(master().receive(advert(99), HIGHER, 11_100)), stays)
  assert.deepEqual(text(master().receive(advert(100), LOWER, 11_100)), stays)
  const taken = master().receive(advert(99), HIGHER, 10_100)
  assert.deepEqual(text(taken), ['advertise 100', 'announce'], 'whom it has just taken over from is no rival')
  // with a last word, by which the other one knows that there were two
  assert.deepEqual(text(master().receive(advert(101), LOWER, 11_100)), ['advertise 100', 'become backup'])
  assert.deepEqual(text(master().receive(advert(100), HIGHER, 11_100)), ['advertise 100', 'become backup'])
  assert.deepEqual(master().receive(advert(100), OURS, 10_100), [], 'its own, by a loop')
  assert.deepEqual(text(master().receive(advert(0), HIGHER, 10_100)), ['advertise 100', 'announce'])
  const follows = master()
  follows.receive(advert(200, 100), HIGHER, 20_000)
  assert.equal(follows.deadline, 20_300 + SKEW / 10, 'it waits by the new master’s interval')
})

test('stopping and failing: a master says that it gives up, a backup has nothing to say; a fault ends by starting again', () => {
  const one = machine()
  one.start(0)
  assert.deepEqual(text(one.stop()), ['become stopped'])
  one.start(0)
  one.expire(10_000)
  assert.deepEqual(text(one.fault()), ['advertise 0', 'become fault'])
  assert.deepEqual(one.fault(), [])
  assert.equal(one.deadline, undefined)
  assert.deepEqual(one.receive(advert(1), LOWER, 11_000), [])
  assert.deepEqual(text(one.start(12_000)), ['become backup'])
})

test('a changed priority: a master tells it at once, a backup waits no longer than the new one asks', () => {
  const one = machine({ priority: 50 })
  one.start(0)
  one.setPriority(254, 0)
  assert.equal(one.deadline, 3000 + 2000 / 256)
  one.expire(10_000)
  assert.deepEqual(text(one.setPriority(10, 10_500)), ['advertise 10'])
  assert.deepEqual(one.setPriority(10, 10_500), [])
})

test('adverts keep their rhythm: a little late is made up for, very late begins anew', () => {
  const one = machine()
  one.start(0)
  one.expire(4000)
  assert.equal(one.deadline, 5000)
  one.expire(5030)
  assert.equal(one.deadline, 6000)
  one.expire(9000)
  assert.equal(one.deadline, 10_000)
})
