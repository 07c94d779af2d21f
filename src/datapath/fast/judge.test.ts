import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Facts, Peer } from './facts.js'
import { judge } from './judge.js'

/** A network card that has XDP. */
const card: Facts = {
  ...{ device: 'eth0', ifindex: 2, mtu: 1500, loopback: false, driver: 'ixgbe', lro: false, rxVlan: true, vlans: [] },
  ...{ features: { basic: true, redirect: true, transmit: true }, others: 0 },
}
const far: Peer = { name: 'far0', mtu: 1500, txChecksum: true, gro: false, xdp: false }
const veth: Facts = { ...card, kind: 'veth', driver: 'veth', peer: far }
const { features: _, ...untold } = card

describe('auto', () => {
  const mode = (facts: Facts, fix = false) => {
    const judged = judge(facts, 'auto', fix)
    assert.ok('mode' in judged, 'auto never refuses')
    return judged
  }

  test('a card whose driver has XDP gets it, also where the kernel does not tell', () => {
    assert.deepEqual(mode(card), { mode: 'xdp', why: 'its driver (ixgbe) runs XDP programs', fixes: [] })
    assert.equal(mode(untold).mode, 'xdp')
    assert.equal(mode({ ...untold, driver: 'e1000e' }).mode, 'tc')
  })

  test('what hands large packets over whole goes by TC: veth, virtio, bridges', () => {
    assert.match(mode(veth).why, /^no XDP: a device of kind veth hands large packets over whole/)
    assert.match(mode({ ...card, driver: 'virtio_net' }).why, /kind virtio_net/)
    assert.equal(mode({ ...card, kind: 'bridge', driver: 'bridge' }).mode, 'tc')
    assert.equal(mode({ ...card, loopback: true }).mode, 'tc')
  })

  test('another program at the device: TC', () => {
    assert.match(mode({ ...card, others: 1 }).why, /another program stands at its TC ingress/)
    assert.match(mode({ ...card, others: 2 }).why, /2 others stand at its TC ingress/)
    const dispatcher = { ...card, foreign: { id: 7, name: 'xdp_dispatcher' } }
    assert.match(mode(dispatcher).why, /another XDP program stands there: libxdp's dispatcher, xdp_dispatcher \(id 7\)/)
    assert.equal(mode(dispatcher, true).mode, 'tc')
  })

  test('what XDP would lose packets under: TC, unless it may be changed', () => {
    const joins = { ...card, lro: true }
    assert.match(mode(joins).why, /LRO.*--fix/)
    assert.deepEqual(mode(joins, true).fixes, ['lro'])
    assert.equal(mode(joins, true).mode, 'xdp')
    const tagged = { ...card, vlans: ['eth0.7'] }
    assert.match(mode(tagged).why, /VLAN tags off packets for eth0\.7/)
    assert.deepEqual(mode({ ...tagged, lro: true }, true).fixes, ['lro', 'rxVlan'])
    assert.equal(mode({ ...tagged, rxVlan: false }).mode, 'xdp')
    assert.match(mode({ ...card, mtu: 9000 }, true).why, /MTU of 9000 does not fit into a page; 3506 does/)
  })
})

describe('asked for', () => {
  const refused = (facts: Facts, mode: 'xdp' | 'xdp-generic', fix = false) => {
    const judged = judge(facts, mode, fix)
    assert.ok('code' in judged, 'it is refused')
    return judged
  }

  test('native XDP where there can be none: the device, the reason, the mode that works', () => {
    assert.deepEqual(
      refused({ ...card, driver: 'e1000e', features: { basic: false, redirect: false, transmit: false } }, 'xdp'),
      {
        code: 'SLUICE_NO_XDP',
        details: {
          device: 'eth0',
          mode: 'native XDP',
          reason: 'its driver (e1000e) runs no XDP programs',
          works: '--mode xdp-generic and --mode tc work there',
        },
      },
    )
    assert.match(refused({ ...card, lro: true }, 'xdp').details.works ?? '', /^--fix switches that off; else/)
    assert.equal(refused({ ...card, loopback: true }, 'xdp-generic').details.works, '--mode tc works there')
    assert.match(refused({ ...veth, peer: { ...far, mtu: 9000 } }, 'xdp').details.reason ?? '', /other end far0, 9000/)
  })

  test('beside another XDP program: it is named', () => {
    for (const mode of ['xdp', 'xdp-generic'] as const)
      assert.deepEqual(refused({ ...card, foreign: { id: 9, name: 'xdp_drop' } }, mode, true), {
        code: 'SLUICE_XDP_TAKEN',
        details: { device: 'eth0', program: 'xdp_drop (id 9)' },
      })
  })

  test('a veth: what TC goes on doing is said, and mended where it may be', () => {
    const plain = judge(veth, 'xdp', false)
    assert.ok('mode' in plain)
    assert.deepEqual(plain.fixes, [])
    assert.match(plain.why, /far0 leaves checksums to it.*far0 has neither GRO nor XDP/)
    const mended = judge(veth, 'xdp', true)
    assert.deepEqual('mode' in mended && mended, { mode: 'xdp', why: 'asked for', fixes: ['peerTx', 'peerGro'] })
    const hidden = judge({ ...veth, peer: 'hidden' }, 'xdp', true)
    assert.ok('mode' in hidden && /cannot be seen from here/.test(hidden.why))
  })

  test('generic XDP and TC do not ask the driver', () => {
    const none = { ...card, lro: true, mtu: 9000, features: { basic: false, redirect: false, transmit: false } }
    assert.deepEqual(judge(none, 'xdp-generic', false), { mode: 'xdp-generic', why: 'asked for', fixes: [] })
    assert.deepEqual(judge({ ...none, foreign: { id: 1 } }, 'tc', false), { mode: 'tc', why: 'asked for', fixes: [] })
  })
})
