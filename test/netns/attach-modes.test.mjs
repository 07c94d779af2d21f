// sluice attach --mode: what it chooses and says, and what it refuses, with nothing attached by half.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFastProgram } from '../../dist/datapath/fast/program.js'
import { attachDevices, attachFast, openOrCreateTable, status, Table } from '../../dist/datapath/index.js'
import { closeFd, linkCreateXdp, linkInfo, objGet } from '../../dist/kernel/index.js'
import { Namespace, wire } from '../lib/netns.mjs'

const sluice = fileURLToPath(new URL('../../bin/sluice', import.meta.url))

let last = 0

/** A host with two wires and a bridge. @param {import('node:test').TestContext} t */
function place(t) {
  last += 1
  const host = new Namespace(`m${last}`)
  const other = new Namespace(`f${last}`)
  t.after(() => [host, other].map((each) => each.remove()))
  wire([host, 'eth0'], [other, 'far0'])
  wire([host, 'eth1'], [other, 'far1'])
  host.batch('link add name br0 type bridge\nlink set br0 up')
  return { host, other }
}

const attach = (host, ...args) => host.try(sluice, 'attach', ...args)
const modes = (host) =>
  Object.fromEntries(
    host.within(() => status()).devices.flatMap(({ device, mode }) => (mode === undefined ? [] : [[device, mode]])),
  )
const links = (host) =>
  JSON.parse(host.ip('-json', 'link', 'show'))
    .filter(({ xdp }) => xdp)
    .map(({ ifname }) => ifname)
const sysctls = (host) => ['forwarding', 'accept_local'].map((name) => host.sysctl(`net/ipv4/conf/lo/${name}`))

test('auto looks at each device, and says what it chose and why', (t) => {
  const { host } = place(t)
  const { devices } = host.within(() => status())
  assert.ok(devices.length >= 4)
  const got = attach(host, '--json')
  const chosen = JSON.parse(got.stdout)
  assert.deepEqual(chosen.map(({ device, mode }) => [device, mode]).sort(), [
    ['br0', 'tc'],
    ['eth0', 'tc'],
    ['eth1', 'tc'],
    ['lo', 'tc'],
  ])
  const why = (name) => chosen.find(({ device }) => device === name).reason
  assert.match(why('eth0'), /no XDP: a device of kind veth hands large packets over whole/)
  assert.match(why('lo'), /no XDP: clients on the director/)
  assert.match(host.run(sluice, 'status'), /eth0 +tc .*no XDP: a device of kind veth/)
})

test('--mode xdp puts native XDP before TC, xdp-generic that of the stack, tc takes it away', (t) => {
  const { host } = place(t)
  for (const mode of ['xdp', 'xdp-generic', 'xdp', 'tc']) {
    assert.equal(attach(host, '--mode', mode, 'eth0', 'eth1').status, 0)
    assert.deepEqual(modes(host), { eth0: mode, eth1: mode })
    assert.deepEqual(links(host).sort(), mode === 'tc' ? [] : ['eth0', 'eth1'])
    const shown = JSON.parse(host.ip('-json', '-details', 'link', 'show', 'dev', 'eth0'))[0].xdp
    assert.equal(shown?.mode, { xdp: 1, 'xdp-generic': 2 }[mode])
  }
  const { table } = host.within(() => status())
  assert.deepEqual(
    readdirSync(table).filter((name) => name.startsWith('xdp')),
    [],
    'the program goes with the last device',
  )
})

test('without names, all that can be: the loopback goes by TC', (t) => {
  const { host } = place(t)
  host.ip('link', 'delete', 'br0')
  assert.equal(attach(host, '--mode', 'xdp').status, 0)
  assert.deepEqual(modes(host), { lo: 'tc', eth0: 'xdp', eth1: 'xdp' })
})

test('a device that cannot: its name, the reason, the mode that works, and nothing is attached', (t) => {
  const { host, other } = place(t)
  const before_ = sysctls(host)
  const refuse = (expected, ...args) => {
    const got = attach(host, ...args)
    assert.equal(got.status, 1)
    assert.match(got.stderr, expected)
    assert.equal(got.stderr.trim().split('\n').length, 1)
    assert.deepEqual(modes(host), {})
    assert.deepEqual(links(host), [])
    assert.deepEqual(sysctls(host), before_)
    assert.equal(host.within(() => status()).table, undefined)
  }
  refuse(
    /SLUICE_NO_XDP: br0 cannot have native XDP: its driver \(bridge\) runs no XDP programs; --mode xdp-generic and --mode tc work there/,
    ...['--mode', 'xdp', 'eth0', 'br0'],
  )
  refuse(/SLUICE_NO_XDP: lo cannot have generic XDP: .*; --mode tc works there/, '--mode', 'xdp-generic', 'eth0', 'lo')
  other.ip('link', 'set', 'far1', 'mtu', 9000)
  refuse(
    /SLUICE_NO_XDP: eth1 cannot have native XDP: the MTU of its other end far1, 9000/,
    '--mode',
    'xdp',
    'eth0',
    'eth1',
  )
  refuse(/SLUICE_NO_DEVICE/, '--mode', 'xdp', 'eth0', 'nothing')
  assert.equal(attach(host, '--mode', 'xdp', 'eth0').stderr, '')
  assert.equal(attach(host, '--mode', 'xdp-generic', 'br0').stderr, '', 'the mode that was named does work')
})

/** Somebody else's program, of another namespace's table, at a device of this host. */
function foreign(t, host, other, device) {
  const link = other.within(() => {
    const table = openOrCreateTable()
    const program = openFastProgram(table)
    try {
      return host.within(() => linkCreateXdp(program, host.ifindex(device), 'native'))
    } finally {
      closeFd(program)
      table.close()
    }
  })
  t.after(() => closeFd(link))
}

test('another XDP program: it is named, stays, and TC stands beneath it', (t) => {
  const { host, other } = place(t)
  foreign(t, host, other, 'eth1')
  for (const mode of ['xdp', 'xdp-generic']) {
    const got = attach(host, '--mode', mode, 'eth0', 'eth1')
    assert.equal(got.status, 1)
    assert.match(got.stderr, /SLUICE_XDP_TAKEN: eth1 has an XDP program already: sluice_xdp \(id \d+\);.*--mode tc/)
    assert.deepEqual(modes(host), {})
    assert.deepEqual(links(host), ['eth1'])
  }
  assert.equal(attach(host, '--mode', 'tc', 'eth1').status, 0)
  assert.deepEqual(modes(host), { eth1: 'tc' })
  assert.deepEqual(links(host), ['eth1'])
})

test('where one device refuses, the others stay as they were', (t) => {
  const { host, other } = place(t)
  assert.equal(attach(host, '--mode', 'xdp-generic', 'eth0').status, 0)
  foreign(t, host, other, 'eth1')
  host.within(() => {
    const table = Table.open()
    try {
      assert.throws(() => attachDevices(table, ['eth0', 'eth1'], { mode: 'xdp' }), { code: 'SLUICE_XDP_TAKEN' })
      // one that came between the look at the device and the attachment
      assert.throws(() => attachFast(table, 'eth1', host.ifindex('eth1'), 'xdp'), {
        code: 'SLUICE_NO_XDP',
        message: /eth1 cannot have native XDP: another XDP program stands there/,
      })
    } finally {
      table.close()
    }
  })
  assert.deepEqual(modes(host), { eth0: 'xdp-generic' })
  assert.deepEqual(links(host).sort(), ['eth0', 'eth1'])
})

test('attaching again updates the link in place', (t) => {
  const { host } = place(t)
  const link = () => {
    const fd = objGet(join(host.within(() => status()).table, `xdp-${host.ifindex('eth0')}`))
    try {
      return linkInfo(fd)
    } finally {
      closeFd(fd)
    }
  }
  attach(host, '--mode', 'xdp', 'eth0')
  const first = link()
  attach(host, '--mode', 'xdp', 'eth0')
  assert.equal(link().id, first.id)
})

test('a device that goes takes its link along; one that comes is left to TC', (t) => {
  const { host, other } = place(t)
  attach(host, '--mode', 'xdp', 'eth0', 'eth1')
  host.ip('link', 'delete', 'eth1')
  wire([host, 'eth2'], [other, 'far2'])
  assert.equal(attach(host, '--mode', 'xdp', 'eth0').status, 0)
  assert.deepEqual(modes(host), { eth0: 'xdp' })
  const pins = readdirSync(host.within(() => status()).table).filter((name) => name.startsWith('xdp-'))
  assert.deepEqual(pins, [`xdp-${host.ifindex('eth0')}`])
})
