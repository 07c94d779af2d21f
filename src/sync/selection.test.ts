import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Selection, type SendingRules, type Sight } from './selection.js'

const defaults: SendingRules = { threshold: 3, period: 50, refreshPeriod: 0, retries: 0, templatesOnly: false }

const ES = 1
const FW = 4
const TW = 5
const CW = 7
const SR = 3

const tcp: Sight = {
  family: 0,
  id: 5,
  generation: 1,
  template: false,
  controlled: false,
  protocol: 6,
  state: ES,
  packets: 0,
  timeout: 900,
  told: false,
}
const udp: Sight = { ...tcp, protocol: 17, state: 0, timeout: 300 }
const template: Sight = { ...tcp, template: true, state: 0, timeout: 360, id: 9 }

/** At which of these packets, a look each, the connection is sent. */
function sentAt(rules: Partial<SendingRules>, sight: Sight, count: number, seconds = 0.01): number[] {
  const selection = new Selection({ ...defaults, ...rules })
  const sent: number[] = []
  for (let packets = 1; packets <= count; packets += 1)
    if (selection.look({ ...sight, packets }, 100 + packets * seconds).due) sent.push(packets)
  return sent
}

describe('when a connection is sent', () => {
  it('is at the third packet, and every fiftieth after it', () => {
    assert.deepEqual(sentAt({}, tcp, 160), [3, 53, 103, 153])
    assert.deepEqual(sentAt({}, udp, 60), [3, 53])
  })

  it('is at every packet with the threshold "0 1"', () => {
    assert.deepEqual(sentAt({ threshold: 0, period: 1 }, udp, 5), [1, 2, 3, 4, 5])
  })

  it('is once without a period', () => {
    assert.deepEqual(sentAt({ threshold: 3, period: 0 }, udp, 60), [3])
  })

  it('does not miss packets between two looks', () => {
    const selection = new Selection(defaults)
    const due = (packets: number) => selection.look({ ...tcp, packets }, 1).due
    assert.deepEqual([1, 60, 70, 102, 250].map(due), [false, true, false, false, true])
  })

  it('is not before TCP is established', () => {
    assert.deepEqual(sentAt({ threshold: 0, period: 1 }, { ...tcp, state: SR }, 5), [])
  })

  it('is when TCP leaves ESTABLISHED, once a state', () => {
    const selection = new Selection(defaults)
    const due = (packets: number, state: number) => selection.look({ ...tcp, packets, state }, 1).due
    assert.deepEqual(
      [due(1, SR), due(2, ES), due(2, FW), due(3, FW), due(4, FW), due(4, CW), due(5, TW), due(5, TW), due(6, TW)],
      // the third packet is one too many for FIN_WAIT: it is due by its number
      [false, false, true, true, false, true, true, false, false],
    )
  })

  it('is anew when the record is used anew', () => {
    const selection = new Selection(defaults)
    assert.equal(selection.look({ ...tcp, packets: 10 }, 1).due, true)
    assert.equal(selection.look({ ...tcp, packets: 10 }, 1).due, false)
    assert.equal(selection.look({ ...tcp, packets: 10, generation: 2 }, 1).due, true)
    assert.equal(selection.look({ ...tcp, packets: 2, generation: 3 }, 1).due, false)
  })

  it('is at half of its life when there is little traffic', () => {
    const selection = new Selection(defaults)
    assert.equal(selection.look({ ...tcp, packets: 3 }, 0).due, true)
    assert.equal(selection.look({ ...tcp, packets: 4 }, 400).due, false)
    assert.equal(selection.look({ ...tcp, packets: 4 }, 460).due, false, 'no packet, no message')
    assert.equal(selection.look({ ...tcp, packets: 5 }, 461).due, true)
  })

  it('follows sync_refresh_period: an end that has moved by so much, and retries an eighth of it later', () => {
    assert.deepEqual(sentAt({ period: 0, threshold: 0, refreshPeriod: 2 }, udp, 12, 0.5), [1, 5, 9])
    assert.deepEqual(
      sentAt({ period: 0, threshold: 0, refreshPeriod: 2, retries: 1 }, udp, 12, 0.5),
      [1, 2, 6, 7, 11, 12],
    )
  })

  it('is not because another director told of it, but by the packets that come here then', () => {
    const selection = new Selection(defaults)
    const due = (packets: number, state = ES) => selection.look({ ...tcp, told: true, packets, state }, 1).due
    assert.deepEqual([due(3), due(3), due(3, FW), due(4, FW), due(53, ES)], [false, false, false, false, true])
    // told again, by a director that knows less
    assert.deepEqual([due(3, TW), due(4, ES), due(5, CW)], [false, false, true])
  })

  it('is never for the connections of a template with sync_persist_mode', () => {
    assert.deepEqual(sentAt({ templatesOnly: true }, { ...tcp, controlled: true }, 60), [])
    assert.deepEqual(sentAt({ templatesOnly: true }, tcp, 60), [3, 53])
  })
})

describe('when a template is sent', () => {
  it('is when it is new, and then as its connections move, every ten seconds', () => {
    const selection = new Selection(defaults)
    assert.equal(selection.look(template, 1).due, true)
    assert.equal(selection.look(template, 1).due, false)
    assert.equal(selection.lookAtParent(template, 5), false)
    assert.equal(selection.lookAtParent(template, 11.1), true)
    assert.equal(selection.look(template, 30).due, false)
    assert.equal(selection.lookAtParent(template, 12), false)
  })

  it('is often enough for a short life', () => {
    const selection = new Selection(defaults)
    const short = { ...template, timeout: 8 }
    assert.equal(selection.lookAtParent(short, 1), true)
    assert.equal(selection.lookAtParent(short, 2), false)
    assert.equal(selection.lookAtParent(short, 3.1), true)
  })
})
