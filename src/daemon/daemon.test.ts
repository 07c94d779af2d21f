import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parseConfig, type ServerPlan, type ServicePlan } from '../config/index.js'
import { configChanges, editWords } from './describe.js'
import type { DesiredService } from './desired.js'
import { parseServer } from './drains.js'
import { serviceEdits, tableEdits } from './edits.js'
import { Membership, type ServerSight } from './membership.js'
import { mergeService } from './merge.js'
import { readState, writeState } from './state.js'

const planOf = (...lines: string[]): ServicePlan => {
  const text = `services:\n  web:\n    address: 10.0.0.1\n    port: 80\n    checks: [{kind: tcp}]\n${lines.map((line) => `    ${line}\n`).join('')}`
  return parseConfig(text, 'x').services[0] as ServicePlan
}

const two = 'servers: [{address: 10.1.0.1, weight: 10}, {address: 10.1.0.2, weight: 10}]'

const sight = (health: ServerSight['health'], more: Partial<ServerSight> = {}): ServerSight => ({
  health,
  weight: undefined,
  draining: false,
  present: false,
  expired: false,
  ...more,
})

/** Weights in the table by the servers' last digit, of what is seen of each. */
const weights = (membership: Membership, seen: readonly ServerSight[], now = 0) =>
  Object.fromEntries(
    membership
      .decide((server: ServerPlan) => seen[membership.plan.servers.indexOf(server)] as ServerSight, now)
      .servers.map(({ key, options }) => [key.address.slice(-1), options.weight]),
  )

describe('membership', () => {
  test('no server is in before its first success; one that is found in its place stays until it fails', () => {
    const membership = new Membership(planOf(two))
    assert.deepEqual(weights(membership, [sight('unknown'), sight('unknown', { present: true })]), { 2: 10 })
    assert.deepEqual(weights(membership, [sight('up'), sight('down', { present: true })]), { 1: 10 })
    assert.deepEqual(weights(new Membership(planOf('alpha: false', two)), [sight('unknown'), sight('down')]), { 1: 10 })
  })

  test('an inhibited one keeps its place with weight 0', () => {
    const membership = new Membership(planOf('inhibit_on_failure: true', two))
    assert.deepEqual(weights(membership, [sight('up'), sight('down')]), { 1: 10, 2: 0 })
  })

  test('the quorum is won at weight + hysteresis and lost below weight - hysteresis', () => {
    const membership = new Membership(
      planOf('quorum: {weight: 15, hysteresis: 5}', two, 'sorry_server: {address: 10.1.0.9}'),
    )
    const up = sight('up')
    const down = sight('down')
    assert.deepEqual(weights(membership, [up, down]), { 1: 0, 9: 1 }, '10 of 20 do not win it')
    assert.deepEqual(weights(membership, [up, up]), { 1: 10, 2: 10 })
    assert.deepEqual(weights(membership, [up, down]), { 1: 10 }, '10 do not lose it')
    assert.deepEqual(weights(membership, [down, down]), { 9: 1 })
  })

  test('nothing is lost before it is known', () => {
    const membership = new Membership(planOf(two, 'sorry_server: {address: 10.1.0.9}'))
    assert.deepEqual(weights(membership, [sight('unknown'), sight('down')]), {})
    assert.equal(membership.quorum, undefined)
    assert.deepEqual(weights(membership, [sight('down'), sight('down')]), { 9: 1 })
  })

  test('a server that comes back gets its weight in steps; one that is new has it at once', () => {
    const membership = new Membership(planOf('slow_start: 10s', two))
    assert.deepEqual(weights(membership, [sight('up'), sight('down')], 0), { 1: 10 })
    assert.deepEqual(weights(membership, [sight('up'), sight('up')], 1000), { 1: 10, 2: 1 })
    assert.deepEqual(weights(membership, [sight('up'), sight('up')], 6500), { 1: 10, 2: 6 })
    assert.equal(membership.growing, true)
    assert.deepEqual(weights(membership, [sight('up'), sight('up')], 11_000), { 1: 10, 2: 10 })
    assert.equal(membership.growing, false)
  })

  test('a drained server is quiesced, does not count, and is out when its time is over', () => {
    const membership = new Membership(planOf(two, 'quorum: {weight: 11}', 'sorry_server: {address: 10.1.0.9}'))
    const up = sight('up')
    assert.deepEqual(weights(membership, [up, up]), { 1: 10, 2: 10 })
    assert.deepEqual(weights(membership, [up, sight('up', { draining: true })]), { 1: 0, 2: 0, 9: 1 })
    assert.deepEqual(weights(membership, [up, sight('up', { draining: true, expired: true })]), { 1: 0, 9: 1 })
  })

  test('a script’s weight takes the place of the configured one', () => {
    const membership = new Membership(planOf(two))
    assert.deepEqual(weights(membership, [sight('up', { weight: 3 }), sight('up')]), { 1: 3, 2: 10 })
  })
})

const key = { protocol: 'tcp', address: '10.0.0.1', port: 80 } as const
const service = (scheduler: string, servers: Record<string, number>): DesiredService => ({
  key,
  options: { scheduler },
  servers: Object.entries(servers).map(([address, weight]) => ({
    key: { address: `10.1.0.${address}`, port: 80 },
    options: { method: 'masq', weight },
  })),
})

describe('edits', () => {
  test('what is right needs none, however it is written', () => {
    const found: DesiredService = {
      key,
      options: { scheduler: 'rr', persistence: { timeout: 5, netmask: '255.255.255.255' } },
      servers: [{ key: { address: '10.1.0.1', port: 80 }, options: { method: 'masq', weight: 1, upperThreshold: 0 } }],
    }
    const wanted: DesiredService = {
      ...service('rr', { 1: 1 }),
      options: { scheduler: 'rr', persistence: { timeout: 5 } },
    }
    assert.deepEqual(serviceEdits(found, wanted), [])
  })

  test('servers come and change before others go', () => {
    const edits = serviceEdits(service('rr', { 1: 1, 2: 1 }), service('wrr', { 2: 5, 3: 1 }))
    assert.deepEqual(edits.map(editWords), [
      '~ scheduler rr → wrr',
      '~ server 10.1.0.2:80 weight 1 → 5',
      '+ server 10.1.0.3:80 nat, weight 1',
      '- server 10.1.0.1:80',
    ])
  })

  test('services of others are in neither list, and stay', () => {
    const other = { ...service('rr', {}), key: { ...key, port: 81 } }
    assert.deepEqual(tableEdits([service('rr', {}), other], [other]).map(editWords), ['- tcp 10.0.0.1:80'])
  })
})

describe('what others did is kept beside what the daemon changes', () => {
  const applied = service('rr', { 1: 1, 2: 1 })
  const merged = (actual: DesiredService, desired: DesiredService) =>
    Object.fromEntries(
      mergeService(applied, actual, desired).servers.map((each) => [each.key.address.slice(-1), each.options.weight]),
    )

  test('a weight that somebody set stays, and goes with its server', () => {
    assert.deepEqual(merged(service('rr', { 1: 9, 2: 1 }), applied), { 1: 9, 2: 1 })
    assert.deepEqual(merged(service('rr', { 1: 9, 2: 1 }), service('rr', { 2: 1 })), { 2: 1 })
    assert.deepEqual(merged(service('rr', { 1: 9, 2: 1 }), service('rr', { 1: 0, 2: 1 })), { 1: 0, 2: 1 })
  })

  test('a server that somebody added stays; one that was deleted stays away until it changes', () => {
    assert.deepEqual(merged(service('rr', { 1: 1, 2: 1, 3: 1 }), applied), { 1: 1, 2: 1, 3: 1 })
    assert.deepEqual(merged(service('rr', { 2: 1 }), applied), { 2: 1 })
    assert.deepEqual(merged(service('rr', { 2: 1 }), service('rr', { 1: 5, 2: 1 })), { 1: 5, 2: 1 })
  })

  test('the scheduler likewise', () => {
    assert.equal(mergeService(applied, service('wlc', {}), applied).options.scheduler, 'wlc')
    assert.equal(mergeService(applied, service('wlc', {}), service('sh', {})).options.scheduler, 'sh')
  })
})

describe('what is remembered', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slt-state-'))
  after(() => rmSync(folder, { recursive: true }))

  test('comes back as it was written; what is no state is none', () => {
    const path = join(folder, 'state')
    const state = {
      services: new Map([
        ['web', { ...service('sh', { 1: 1 }), options: { scheduler: 'sh', schedulerFlags: new Set([2] as const) } }],
      ]),
      drains: [{ address: '10.1.0.1', since: 5 }],
      editing: ['web'],
    }
    writeState(path, state)
    assert.deepEqual(readState(path), state)
    writeFileSync(path, '{"format": 1, "serv')
    assert.deepEqual(readState(path).services.size, 0)
    assert.deepEqual(readState(join(folder, 'none')).drains, [])
  })
})

test('a server is named by its address, with or without a port', () => {
  assert.deepEqual(parseServer('10.0.0.1'), { address: '10.0.0.1' })
  assert.deepEqual(parseServer('10.0.0.1:80'), { address: '10.0.0.1', port: 80 })
  assert.deepEqual(parseServer('[FD00::1]:80'), { address: 'fd00::1', port: 80 })
  assert.deepEqual(parseServer('fd00::1'), { address: 'fd00::1' })
  for (const text of ['web', '10.0.0.1:x', '10.0.0.1:99999', ''])
    assert.throws(() => parseServer(text), { code: 'SLUICE_BAD_SERVER' })
})

test('the difference of two configurations is told by what one would look for', () => {
  const config = (text: string) => parseConfig(text, 'x')
  const before = config(
    'services:\n  a: {address: 10.0.0.1, port: 80, servers: [{address: 10.1.0.1}]}\n  b: {address: 10.0.0.2, port: 80}',
  )
  const now = config(
    'timeouts: {tcp: 60}\nservices:\n  a: {address: 10.0.0.1, port: 80, scheduler: rr, servers: [{address: 10.1.0.1, weight: 5}]}',
  )
  assert.deepEqual(configChanges(before, now), [
    { what: 'service b', lines: ['- removed'] },
    {
      what: 'service a',
      lines: ['~ scheduler wlc → rr', '~ server 10.1.0.1:80 nat, weight 1, unchecked → nat, weight 5, unchecked'],
    },
    { what: 'timeouts', lines: ['+ tcp 60'] },
  ])
  assert.deepEqual(configChanges(now, now), [])
})
