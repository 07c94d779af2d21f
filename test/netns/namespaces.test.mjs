// One table a network namespace: side by side, attached and detached without a trace, gone with its namespace.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  attachDevices,
  detachDevices,
  openOrCreateTable,
  reapDeadTables,
  status,
  Table,
} from '../../dist/datapath/index.js'
import { Director } from '../../dist/index.js'
import { Farm, PORT, server, VIP } from '../lib/farm.mjs'
import { Namespace, wire } from '../lib/netns.mjs'

const PINS = '/sys/fs/bpf/sluice'
const editor = fileURLToPath(new URL('../lib/editor.mjs', import.meta.url))
const key = { protocol: 'tcp', address: VIP, port: PORT }
const sysctls = [
  'net/ipv4/conf/lo/forwarding',
  'net/ipv4/conf/lo/accept_local',
  'net/ipv4/ip_forward',
  'net/ipv4/conf/all/accept_local',
  'net/ipv4/conf/all/rp_filter',
]

/** Opens a table for one edit, as a command does. */
const command = (namespace, work, options) =>
  namespace.within(() => {
    const director = Director.open(options)
    try {
      return work(director)
    } finally {
      director.close()
    }
  })

describe('two directors on one machine', () => {
  /** @type {Farm[]} */
  const farms = []
  after(() => Promise.all(farms.map((farm) => farm.close())))

  test('the same addresses and ports in two namespaces: each has its own services, servers and connections', async () => {
    farms.push(new Farm({ role: 'a', servers: 1 }), new Farm({ role: 'b', servers: 1 }))
    const [a, b] = farms
    for (const [farm, name] of [
      [a, 'of a'],
      [b, 'of b'],
    ])
      await farm.servers[0].ask('listen', { port: PORT, name })
    const keyA = a.serve()
    await assert.rejects(b.client.ask('open', { host: VIP, port: PORT, timeout: 3000 }), { code: 'ECONNREFUSED' })
    assert.deepEqual(
      b.edit((director) => director.services()),
      [],
    )
    const keyB = b.serve({ scheduler: 'wlc' })
    assert.equal((await a.client.ask('name', { host: VIP, port: PORT, localPort: 40000 })).name, 'of a')
    assert.equal((await b.client.ask('name', { host: VIP, port: PORT, localPort: 40000 })).name, 'of b')
    assert.equal((await b.client.ask('name', { host: VIP, port: PORT, localPort: 40001 })).name, 'of b')
    assert.deepEqual([a.connections().length, b.connections().length], [1, 2])
    assert.deepEqual([a.service(keyA).counters.connections, b.service(keyB).counters.connections], [1n, 2n])
    a.edit((director) => director.flush())
    assert.equal(b.edit((director) => director.services()).length, 1)
    assert.equal((await b.client.ask('name', { host: VIP, port: PORT, localPort: 40002 })).name, 'of b')
  })
})

describe('attach and detach', () => {
  test('the first service attaches to lo, veth and the bridge, not to the bridge’s ports; detach leaves nothing', (t) => {
    const host = new Namespace('dev')
    const other = new Namespace('peer')
    t.after(() => [host, other].map((each) => each.remove()))
    wire([host, 'eth0'], [other, 'eth0'])
    wire([host, 'port0'], [other, 'eth1'])
    wire([host, 'port1'], [other, 'eth2'])
    host.batch('link add br0 type bridge\nlink set br0 up\nlink set port0 master br0\nlink set port1 master br0')
    const before_ = sysctls.map((name) => host.sysctl(name))
    command(host, (director) => director.addService(key, { scheduler: 'rr' }))
    const { devices, automatic } = host.within(() => status())
    const hooked = devices.filter(({ hook }) => hook !== undefined).map(({ device }) => device)
    assert.deepEqual(hooked.sort(), ['br0', 'eth0', 'lo'])
    assert.equal(automatic, true)
    for (const port of ['port0', 'port1'])
      assert.match(devices.find(({ device }) => device === port).reason, /port of bridge br0/)
    assert.equal(host.sysctl('net/ipv4/conf/lo/forwarding'), '1')
    assert.equal(host.sysctl('net/ipv4/conf/lo/accept_local'), '1')

    // a device that comes later is met by the next edit
    wire([host, 'eth3'], [other, 'eth3'])
    command(host, (director) =>
      director.addServer(key, { address: server(1), port: PORT }, { method: 'masq', weight: 1 }),
    )
    const later = host.within(() => status()).devices.find(({ device }) => device === 'eth3')
    command(host, (director) => director.addService({ ...key, port: PORT + 1 }, { scheduler: 'rr' }))
    const met = host.within(() => status()).devices.find(({ device }) => device === 'eth3')
    assert.ok(later.hook !== undefined || met.hook !== undefined, 'an added server or service attaches it')

    host.within(() => {
      const table = Table.open()
      const held = table.lock('exclusive')
      try {
        assert.deepEqual(detachDevices(table).sort(), ['br0', 'eth0', 'eth3', 'lo'])
      } finally {
        held.release()
        table.close()
      }
    })
    assert.deepEqual(
      sysctls.map((name) => host.sysctl(name)),
      before_,
      'sysctls are as they were',
    )
    const left = host.within(() => status())
    assert.ok(left.devices.every(({ hook }) => hook === undefined))
    assert.deepEqual(
      readdirSync(left.table).filter((name) => name.startsWith('link-')),
      [],
    )
    assert.deepEqual(
      JSON.parse(host.ip('-json', 'link', 'show')).filter(({ xdp }) => xdp),
      [],
    )
    assert.doesNotMatch(host.run('tc', 'qdisc', 'show'), /clsact/)
  })

  test('sysctls that were on before stay on', (t) => {
    const host = new Namespace('sys')
    t.after(() => host.remove())
    host.sysctl('net/ipv4/conf/lo/forwarding', 1)
    host.sysctl('net/ipv4/conf/lo/accept_local', 1)
    command(host, (director) => director.addService(key, { scheduler: 'rr' }))
    host.within(() => {
      const table = Table.open()
      detachDevices(table)
      table.close()
    })
    assert.equal(host.sysctl('net/ipv4/conf/lo/forwarding'), '1')
    assert.equal(host.sysctl('net/ipv4/conf/lo/accept_local'), '1')
  })

  test('devices named by hand: those alone, and none by itself afterwards; unknown or unfit ones are refused', (t) => {
    const host = new Namespace('man')
    const other = new Namespace('far')
    t.after(() => [host, other].map((each) => each.remove()))
    wire([host, 'eth0'], [other, 'eth0'])
    wire([host, 'eth1'], [other, 'eth1'])
    host.batch('link add br0 type bridge\nlink set br0 up\nlink set eth1 master br0')
    const hooked = () =>
      host
        .within(() => status())
        .devices.filter(({ hook }) => hook !== undefined)
        .map(({ device }) => device)
    host.within(() => {
      const table = openOrCreateTable()
      try {
        assert.throws(() => attachDevices(table, ['eth0', 'nothing']), { code: 'SLUICE_NO_DEVICE' })
        assert.throws(() => attachDevices(table, ['eth0', 'eth1']), { code: 'SLUICE_BAD_DEVICE' })
        assert.deepEqual(hooked(), [], 'a refused command changes nothing')
        attachDevices(table, ['eth0'])
        assert.throws(() => detachDevices(table, ['lo']), { code: 'SLUICE_NOT_ATTACHED' })
      } finally {
        table.close()
      }
    })
    command(host, (director) => director.addService(key, { scheduler: 'rr' }))
    assert.deepEqual(hooked(), ['eth0'])
  })
})

describe('a namespace that is gone', () => {
  test('leaves nothing pinned after the next command anywhere', (t) => {
    const gone = new Namespace('gone')
    const next = new Namespace('next')
    t.after(() => next.remove())
    command(gone, (director) => director.addService(key, { scheduler: 'rr' }))
    const directory = gone.within(() => status()).table
    assert.ok(existsSync(directory))
    gone.vanish()
    next.within(() => reapDeadTables())
    // the kernel takes a namespace apart a moment later
    for (const end = Date.now() + 10_000; existsSync(directory) && Date.now() < end; ) {
      command(next, (director) => {
        director.addService(key, { scheduler: 'rr' })
        director.deleteService(key)
      })
      next.within(() => reapDeadTables())
    }
    assert.ok(!existsSync(directory))
    assert.ok(existsSync(PINS))
  })

  test('a new table is made while a dead one is still pinned: the command that makes it removes the dead one', (t) => {
    const gone = new Namespace('gone2')
    const next = new Namespace('next2')
    t.after(() => next.remove())
    command(gone, (director) => director.addService(key, { scheduler: 'rr' }))
    const directory = gone.within(() => status()).table
    gone.vanish()
    // the kernel takes a namespace apart a moment later: its devices go with it
    execFileSync('sleep', ['1'])
    command(next, (director) => director.addService(key, { scheduler: 'rr' }))
    assert.ok(!existsSync(directory), 'its first service did it')
  })
})

test('killed while a table is made: the next command makes it, and nothing is left half made', async (t) => {
  for (const delay of [90, 140, 190, 240, 290, 340, 390]) {
    const host = new Namespace(`k${delay}`)
    t.after(() => host.remove())
    const child = spawn('nsenter', [`--net=${host.path}`, process.execPath, editor, 'make'], { stdio: 'ignore' })
    await new Promise((resolve) => setTimeout(resolve, delay))
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    command(host, (director) => {
      director.addService(key, { scheduler: 'rr' })
      assert.ok(director.services().some((each) => each.key.port === PORT))
    })
    const { table } = host.within(() => status())
    host.within(() => reapDeadTables())
    assert.ok(existsSync(table))
    assert.deepEqual(
      readdirSync(PINS).filter(
        (name) => name.startsWith('new-') && name.endsWith(table.slice(table.lastIndexOf('/') + 1)),
      ),
      [],
    )
  }
})
