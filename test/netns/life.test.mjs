// A connection's life as `connections()` and `services()` tell it, with real sockets.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { SluiceDrop, SluiceState } from '../../dist/datapath/index.js'
import { CLIENT, Farm, PORT, server, VIP } from '../lib/farm.mjs'
import { until } from '../lib/host.mjs'

/** @type {Farm} */
let farm
let key
before(async () => {
  farm = new Farm()
  await farm.listen()
  key = farm.serve()
})
after(() => farm?.close())

const setTimeouts = (timeouts) =>
  farm.table(({ settings }) => {
    for (const [state, seconds] of Object.entries(timeouts)) settings.setTimeout(SluiceState[state], seconds)
  })
const defaults = {
  NONE: 2,
  ESTABLISHED: 900,
  SYN_RECV: 60,
  FIN_WAIT: 120,
  TIME_WAIT: 120,
  CLOSE: 10,
  CLOSE_WAIT: 60,
  LAST_ACK: 30,
  UDP: 300,
}
const short = { ...Object.fromEntries(Object.keys(defaults).map((state) => [state, 1])) }

const find = (port) => farm.connections().find((each) => each.client.port === port)
const stateOf = (port) => find(port)?.state
const sum = (service = key) =>
  farm.counts(service).reduce(([a, b], [active, inactive]) => [a + active, b + inactive], [0, 0])
const drops = (reason) => farm.table((table) => table.drops(SluiceDrop[reason]))

test('open, established; closed by the client: inactive; over: gone', async () => {
  const { number, localPort } = await farm.client.ask('open', { host: VIP, port: PORT })
  assert.equal(stateOf(localPort), 'ESTABLISHED')
  const connection = find(localPort)
  assert.deepEqual(
    [connection.protocol, connection.client, connection.virtual],
    ['tcp', { address: CLIENT, port: localPort }, { address: VIP, port: PORT }],
  )
  assert.ok([server(1), server(2)].includes(connection.server.address))
  assert.equal(connection.server.port, PORT)
  assert.ok(connection.expires >= 890 && connection.expires <= 900)
  assert.deepEqual(sum(), [1, 0])

  setTimeouts({ TIME_WAIT: 1 })
  await farm.client.ask('end', { number })
  await until('TIME_WAIT', () => ['TIME_WAIT', undefined].includes(stateOf(localPort)))
  assert.equal(sum()[0], 0)
  await until('gone', () => find(localPort) === undefined)
  setTimeouts(defaults)
  assert.deepEqual(sum(), [0, 0])
})

test('a SYN that nobody answers: SYN_RECV, active; it expires and its count goes back', async () => {
  setTimeouts({ SYN_RECV: 1 })
  for (const host of farm.servers)
    host.run(
      'nft',
      'add table ip t; add chain ip t i { type filter hook input priority 0; }; add rule ip t i tcp flags syn drop',
    )
  const opening = farm.client.ask('open', { host: VIP, port: PORT, timeout: 900 })
  const [connection] = await until('a connection', () => {
    const all = farm.connections()
    return all.length > 0 && all
  })
  assert.equal(connection.state, 'SYN_RECV')
  assert.deepEqual(sum(), [1, 0])
  await assert.rejects(opening, { code: 'TIMEOUT' })
  for (const host of farm.servers) host.run('nft', 'delete', 'table', 'ip', 't')
  await until('it has expired', () => farm.connections().length === 0)
  assert.deepEqual(sum(), [0, 0])
  setTimeouts(defaults)
})

test('closed by the server first: FIN_WAIT, then TIME_WAIT', async () => {
  const { number, localPort } = await farm.client.ask('open', { host: VIP, port: PORT })
  await farm.client.ask('say', { number, text: 'close' })
  await farm.client.ask('ended', { number })
  await until('TIME_WAIT', () => stateOf(localPort) === 'TIME_WAIT')
  assert.deepEqual(sum(), [0, 1])
  assert.ok(find(localPort).expires > 100)
  setTimeouts({ TIME_WAIT: 1 })
})

test('a SYN on TIME_WAIT: the same port is scheduled at once, to the next server', async () => {
  setTimeouts(defaults)
  const served = []
  let localPort
  for (let i = 0; i < 6; i += 1) {
    const opened = await farm.client.ask('open', { host: VIP, port: PORT, localPort })
    localPort = opened.localPort
    assert.ok(opened.milliseconds < 700, `no SYN was lost: ${opened.milliseconds} ms`)
    served.push(await farm.client.ask('say', { number: opened.number, text: 'name' }))
    assert.equal(farm.connections().filter((each) => each.client.port === localPort).length, 1)
    // the server closes first, so that the client may use its port again at once
    await farm.client.ask('say', { number: opened.number, text: 'close' })
    await farm.client.ask('ended', { number: opened.number })
    await until('TIME_WAIT', () => stateOf(localPort) === 'TIME_WAIT')
  }
  assert.ok(served[0] !== served[1] && served[0] === served[2] && served[1] === served[3], served.join(' '))
  setTimeouts({ TIME_WAIT: 1 })
})

test('a reset closes, from either side', async () => {
  setTimeouts({ CLOSE: 1 })
  for (const by of ['client', 'server']) {
    const { number, localPort } = await farm.client.ask('open', { host: VIP, port: PORT })
    const states = new Set()
    if (by === 'client') await farm.client.ask('reset', { number })
    else await farm.client.ask('say', { number, text: 'reset' }).catch(() => {})
    await until('gone', () => {
      const state = stateOf(localPort)
      if (state && state !== 'ESTABLISHED') states.add(state)
      return state === undefined
    })
    assert.deepEqual([...states], ['CLOSE'], by)
  }
  setTimeouts(defaults)
})

test('UDP is inactive for life, and gone when its time is over', async () => {
  const udp = farm.serve({ protocol: 'udp' })
  setTimeouts({ UDP: 1 })
  for (let i = 0; i < 3; i += 1) {
    assert.match(await farm.client.ask('udp', { host: VIP, port: PORT, text: 'x', key: 'one' }), /^s/)
    assert.deepEqual(sum(udp), [0, 1])
  }
  assert.equal(farm.connections().find((each) => each.protocol === 'udp').state, 'UDP')
  await until('gone', () => farm.connections().every((each) => each.protocol !== 'udp'))
  assert.deepEqual(sum(udp), [0, 0])
  setTimeouts(defaults)
  farm.edit((director) => director.deleteService(udp))
})

test('weight 0 quiesces: live connections go on, new ones go elsewhere', async () => {
  const numbers = await farm.client.ask('openMany', { host: VIP, port: PORT, count: 4 })
  const names = await farm.client.ask('sayAll', { numbers, text: 'name' })
  farm.edit((director) => director.editServer(key, { address: server(1), port: PORT }, { method: 'masq', weight: 0 }))
  assert.deepEqual(await farm.client.ask('sayAll', { numbers, text: 'name' }), names)
  assert.deepEqual(new Set(await farm.client.ask('names', { host: VIP, port: PORT, count: 4 })), new Set(['s2']))
  assert.equal(farm.counts(key)[0][0], 2)
  farm.edit((director) => director.editServer(key, { address: server(1), port: PORT }, { method: 'masq', weight: 1 }))
  assert.deepEqual(new Set(await farm.client.ask('names', { host: VIP, port: PORT, count: 4 })), new Set(['s1', 's2']))
  await farm.client.ask('resetAll')
})

test('a deleted server’s packets are dropped and counted; back within two minutes, its connections and counters go on', async () => {
  const numbers = await farm.client.ask('openMany', { host: VIP, port: PORT, count: 4 })
  const names = await farm.client.ask('sayAll', { numbers, text: 'name' })
  const ours = numbers[names.indexOf('s1')]
  const others = numbers[names.indexOf('s2')]
  const of = () => farm.service(key).servers.find((each) => each.address === server(1))
  const before_ = of()
  const gone = drops('SERVER_GONE')
  farm.edit((director) => director.deleteServer(key, { address: server(1), port: PORT }))
  const said = farm.client.ask('say', { number: ours, text: 'name' })
  await until('the packet is dropped', () => drops('SERVER_GONE') > gone)
  assert.equal(await farm.client.ask('say', { number: others, text: 'name' }), 's2')
  assert.equal(of(), undefined)
  farm.edit((director) => director.addServer(key, { address: server(1), port: PORT }, { method: 'masq', weight: 1 }))
  assert.equal(await said, 's1', 'the packet sent again arrives')
  const after_ = of()
  assert.equal(after_.counters.connections, before_.counters.connections)
  assert.ok(after_.counters.inPackets > before_.counters.inPackets)
  assert.ok(after_.active >= 2)
  await farm.client.ask('resetAll')
})

test('a deleted service’s connections are dropped; the service again with its servers: they go on', async () => {
  const { number } = await farm.client.ask('open', { host: VIP, port: PORT })
  const name = await farm.client.ask('say', { number, text: 'name' })
  const gone = drops('SERVER_GONE')
  farm.edit((director) => director.deleteService(key))
  const said = farm.client.ask('say', { number, text: 'name' })
  await until('the packet is dropped', () => drops('SERVER_GONE') > gone)
  await assert.rejects(
    farm.client.ask('open', { host: VIP, port: PORT, timeout: 3000 }),
    { code: 'ECONNREFUSED' },
    'the VIP’s own stack',
  )
  key = farm.serve()
  assert.equal(await said, name)
  assert.equal(farm.service(key).counters.connections, 0n, 'it is another service')
  await farm.client.ask('resetAll')
})

test('real connections in turn: rr, wrr, lc and wlc as their rules say', async (t) => {
  const names = (count) => farm.client.ask('names', { host: VIP, port: 8100, count })
  await farm.listen(8100)
  // the server added last is first in the list
  const rr = farm.serve({ port: 8100 })
  assert.deepEqual(await names(5), ['s2', 's1', 's2', 's1', 's2'])
  farm.edit((director) => director.deleteService(rr))
  const wrr = farm.serve({ port: 8100, scheduler: 'wrr', weights: [3, 1] })
  const order = await names(8)
  assert.equal(order.filter((each) => each === 's1').length, 6)
  assert.equal(order.filter((each) => each === 's2').length, 2)
  farm.edit((director) => director.deleteService(wrr))
  for (const scheduler of ['lc', 'wlc']) {
    const service = farm.serve({ port: 8100, scheduler, weights: [1, 1] })
    const numbers = await farm.client.ask('openMany', { host: VIP, port: 8100, count: 10, at: 1 })
    const taken = await farm.client.ask('sayAll', { numbers, text: 'name' })
    assert.deepEqual(taken.slice(-4).sort(), ['s1', 's1', 's2', 's2'], scheduler)
    // whoever loses its connections gets the next ones
    for (const [i, name] of taken.entries()) if (name === 's1') await farm.client.ask('reset', { number: numbers[i] })
    await until('closed', () => farm.counts(service)[0][0] === 0)
    assert.deepEqual(await names(3), ['s1', 's1', 's1'], scheduler)
    await farm.client.ask('resetAll')
    farm.edit((director) => director.deleteService(service))
  }
  t.diagnostic('random weights and edits: test/packet/schedulers.test.mjs')
})

test('however connections end, every count goes back to zero', async () => {
  const port = 8200
  await farm.listen(port)
  const tcp = farm.serve({ port })
  const udp = farm.serve({ protocol: 'udp', port })
  setTimeouts(short)
  const numbers = await farm.client.ask('openMany', { host: VIP, port, count: 40 })
  await farm.client.ask('udpMany', { host: VIP, port, count: 20 })
  assert.equal(farm.service(tcp).counters.connections, 40n)
  assert.equal(farm.service(udp).counters.connections, 20n)
  for (const [i, number] of numbers.entries()) {
    if (i % 4 === 0) await farm.client.ask('end', { number })
    if (i % 4 === 1) await farm.client.ask('reset', { number })
    if (i % 4 === 2) await farm.client.ask('say', { number, text: 'close' })
  }
  await until('gone', () => farm.connections().every(({ virtual }) => virtual.port !== port))
  assert.deepEqual(
    [sum(tcp), sum(udp)],
    [
      [0, 0],
      [0, 0],
    ],
  )
  assert.ok([...farm.table((table) => [...table.flows()].map(({ flow }) => flow.dport))].every((each) => each !== port))
  setTimeouts(defaults)
})
