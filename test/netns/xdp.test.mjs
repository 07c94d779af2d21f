// The fast path with real connections: XDP in the driver and in the stack, each method, whatever the offloads; what goes by
// which door shows in the counters, and nothing breaks when the mode changes under a connection.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { attachDevices, detachDevices, SluiceEvent, status } from '../../dist/datapath/index.js'
import { Director } from '../../dist/index.js'
import { Farm, PORT, wires } from '../lib/farm.mjs'
import { Host } from '../lib/host.mjs'
import { wire } from '../lib/netns.mjs'

const MEGABYTES = 10 * 2 ** 20

/** Attaches as a command does. @param {Farm} farm */
const attach = (farm, options, names = ['eth0']) =>
  farm.table((table) => {
    const held = table.lock('exclusive')
    try {
      return attachDevices(table, names, options)
    } finally {
      held.release()
    }
  })

const forwarded = (farm) => Number(farm.table((table) => table.events(SluiceEvent.XDP_FORWARDED)))

/** Small and large, there and back, byte for byte. @param {Farm} farm */
async function converse(farm, { VIP, header }) {
  const names = await farm.client.ask('names', { host: VIP, port: PORT, count: 4 })
  assert.deepEqual(names.sort(), ['s1', 's1', 's2', 's2'])
  assert.match(await farm.client.ask('udp', { host: VIP, port: PORT, text: 'hello' }), /^s[12] hello$/)
  // the first one is told of the tunnel's MTU
  for (const bytes of [1500 - header - 8, 4000])
    assert.match(await farm.client.ask('udp', { host: VIP, port: PORT, bytes, tries: 2 }), /^s[12] whole$/)
  const { number } = await farm.client.ask('open', { host: VIP, port: PORT })
  assert.equal(await farm.client.ask('up', { number, bytes: MEGABYTES }), true, 'up')
  assert.equal(await farm.client.ask('down', { number, bytes: MEGABYTES }), true, 'down')
  await farm.client.ask('end', { number })
}

for (const { method, family } of [
  ...['masq', 'fullnat', 'route', 'tunnel'].map((name) => ({ method: name, family: 'IPv4' })),
  ...['masq', 'route', 'tunnel'].map((name) => ({ method: name, family: 'IPv6' })),
])
  describe(`${method}, ${family}, one wire`, () => {
    const net = wires[family]
    /** @type {Farm} */
    let farm
    before(async () => {
      farm = new Farm({ method, family })
      await farm.listen()
      farm.serve()
      farm.serve({ protocol: 'udp' })
    })
    after(() => farm?.close())

    test('native XDP: senders leave checksums to their devices, so TC takes most', async () => {
      const [{ mode, changed }] = attach(farm, { mode: 'xdp' })
      assert.deepEqual({ mode, changed }, { mode: 'xdp', changed: true })
      await converse(farm, net)
    })

    test('native XDP with --fix: the wire’s other end sums up, so XDP takes the stream', async () => {
      attach(farm, { mode: 'xdp', fix: true })
      const before_ = forwarded(farm)
      await converse(farm, net)
      // 10 MB in packets of one frame, one way at least
      assert.ok(forwarded(farm) - before_ > MEGABYTES / 1500, `${forwarded(farm) - before_} packets`)
    })

    test('generic XDP', async () => {
      attach(farm, { mode: 'xdp-generic' })
      const before_ = forwarded(farm)
      await converse(farm, net)
      assert.ok(forwarded(farm) > before_, 'it takes some')
    })

    test('a connection goes on while its device goes from mode to mode', async () => {
      const { number } = await farm.client.ask('open', { host: net.VIP, port: PORT })
      for (const options of [{ mode: 'xdp', fix: true }, { mode: 'tc' }, { mode: 'xdp-generic' }, { mode: 'xdp' }]) {
        attach(farm, options)
        for (let i = 0; i < 5; i += 1)
          assert.equal(
            await farm.client.ask('say', { number, text: `echo ${options.mode}${i}` }),
            `${options.mode}${i}`,
          )
      }
      await farm.client.ask('end', { number })
    })

    test('counters count each packet once, whichever door it takes', async () => {
      const total = () =>
        farm.edit((director) => director.services()).reduce((sum, { counters }) => sum + counters.inPackets, 0n)
      const received = () =>
        JSON.parse(farm.host.ip('-json', '-statistics', 'link', 'show', 'dev', 'eth0'))[0].stats64.rx.packets
      attach(farm, { mode: 'xdp', fix: true })
      const [packets, frames] = [total(), received()]
      for (let i = 0; i < 20; i += 1) await farm.client.ask('udp', { host: net.VIP, port: PORT, text: 'again' })
      const added = Number(total() - packets)
      assert.equal(added, 20)
      assert.ok(received() - frames >= added)
    })
  })

describe('two wires', () => {
  /** @type {{ client: Host, host: Host, server: Host, director: Director }} */
  let hosts
  const VIP = '198.18.0.100'
  const key = { protocol: 'tcp', address: VIP, port: PORT }
  const within = (work) => hosts.host.within(() => work(hosts.director))
  before(async () => {
    const [client, host, server] = ['wc', 'wd', 'ws'].map((name) => new Host(name))
    wire([client, 'eth0'], [host, 'eth0'])
    wire([server, 'eth0'], [host, 'eth1'])
    client.batch('address add 198.18.0.10/24 dev eth0')
    host.batch(`address add ${VIP}/24 dev eth0\naddress add 198.18.1.1/24 dev eth1`)
    server.batch('address add 198.18.1.11/24 dev eth0\nroute add default via 198.18.1.1')
    await server.ask('listen', { port: PORT, name: 's1', address: '0.0.0.0' })
    const director = host.within(() => Director.open())
    hosts = { client, host, server, director, table: (work) => Farm.prototype.table.call({ host }, work) }
    within((d) => {
      d.addService(key, { scheduler: 'rr' })
      d.addServer(key, { address: '198.18.1.11', port: PORT }, { method: 'masq', weight: 1 })
    })
  })
  after(async () => {
    hosts?.director.close()
    for (const host of [hosts?.client, hosts?.host, hosts?.server]) await host?.close()
  })

  const feature = (host, device, name) =>
    new RegExp(`^${name}: (\\w+)`, 'm').exec(host.run('ethtool', '-k', device))?.[1]
  const fixed = () =>
    [hosts.client, hosts.server].map((host) => [
      feature(host, 'eth0', 'tx-checksumming'),
      feature(host, 'eth0', 'generic-receive-offload'),
    ])
  const reason = (device) => hosts.host.within(() => status()).devices.find((each) => each.device === device)?.reason

  async function transfer() {
    const { number } = await hosts.client.ask('open', { host: VIP, port: PORT })
    assert.equal(await hosts.client.ask('up', { number, bytes: MEGABYTES }), true, 'up')
    assert.equal(await hosts.client.ask('down', { number, bytes: MEGABYTES }), true, 'down')
    await hosts.client.ask('end', { number })
  }

  test('--fix: status names what was changed, packets go straight from wire to wire, detach puts it back', async () => {
    const before_ = fixed()
    attach(hosts, { mode: 'xdp', fix: true }, ['eth0', 'eth1'])
    assert.deepEqual(fixed(), [
      ['off', 'on'],
      ['off', 'on'],
    ])
    assert.match(reason('eth0'), /XDP in the driver, TC beneath; asked for; tx-checksum off at eth0; GRO on at eth0/)
    const count = forwarded(hosts)
    await transfer()
    assert.ok(forwarded(hosts) - count > (2 * MEGABYTES) / 1500)
    const left = Number(hosts.table((table) => table.events(SluiceEvent.XDP_LEFT)))
    assert.ok(left < 100, `${left} left to TC`)
    hosts.table((table) => detachDevices(table, ['eth0', 'eth1']))
    assert.deepEqual(fixed(), before_)
    assert.equal(JSON.parse(hosts.host.ip('-json', 'link', 'show')).filter(({ xdp }) => xdp).length, 0)
  })

  test('a device that takes no frames of XDP: TC sends them, none is lost', async () => {
    attach(hosts, { mode: 'xdp' }, ['eth0', 'eth1'])
    hosts.client.run('ethtool', '-K', 'eth0', 'tx', 'off', 'gro', 'off')
    hosts.server.run('ethtool', '-K', 'eth0', 'tx', 'off', 'gro', 'off')
    // the fast path is told of what has changed
    attach(hosts, { mode: 'xdp' }, ['eth0', 'eth1'])
    assert.match(reason('eth1'), /neither GRO nor XDP/)
    const count = forwarded(hosts)
    await transfer()
    assert.equal(forwarded(hosts), count)
  })
})
