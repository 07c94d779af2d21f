// Connection synchronization between two directors: real connections go on when the VIP moves.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { netnsCookie } from '../../dist/kernel/index.js'
import { until } from '../lib/host.mjs'
import { Namespace, wire } from '../lib/netns.mjs'
import { bin, Pair, PORT, VIP } from '../lib/pair.mjs'

const COUNT = 60
const established = (connections) => connections.filter(({ state }) => state === 'ESTABLISHED').length

for (const method of ['masq', 'route']) {
  describe(`${method}: the VIP moves`, () => {
    /** @type {Pair} */
    let pair
    let key
    before(async () => {
      pair = new Pair({ role: method.slice(0, 1), method })
      await pair.listen()
      key = pair.serve()
    })
    after(() => pair?.close())

    test('and every connection goes on at its server, there and back again', async () => {
      pair.start(0, 'master', '--syncid', 7)
      pair.start(1, 'backup', '--syncid', 7)
      const numbers = await pair.client.ask('openMany', { host: VIP, port: PORT, count: COUNT })
      const names = await pair.client.ask('sayAll', { numbers, text: 'name' })
      assert.deepEqual([...new Set(names)].sort(), ['s1', 's2'])
      // the third packet is the one that tells of a connection
      await pair.client.ask('sayAll', { numbers, text: 'echo x' })
      await until('the backup has all of them', () => established(pair.connections(1)) === COUNT)
      assert.deepEqual(pair.counts(1, key), [COUNT, 0])
      const wanted = pair.connections(0).map(({ client, server }) => `${client.port} ${server.address}`)
      assert.deepEqual(
        pair
          .connections(1)
          .map(({ client, server }) => `${client.port} ${server.address}`)
          .sort(),
        wanted.sort(),
      )

      pair.move(1)
      assert.deepEqual(await pair.client.ask('sayAll', { numbers, text: 'name' }), names)

      // the roles change too, as with VRRP
      for (const [i, state] of [
        [0, 'master'],
        [1, 'backup'],
      ])
        assert.equal(pair.stop(i, state), 0)
      pair.start(1, 'master', '--syncid', 7)
      pair.start(0, 'backup', '--syncid', 7)
      const late = await pair.client.ask('openMany', { host: VIP, port: PORT, count: 10 })
      const lateNames = await pair.client.ask('sayAll', { numbers: late, text: 'name' })
      await pair.client.ask('sayAll', { numbers: late, text: 'echo x' })
      await until('the other way too', () => established(pair.connections(0)) === COUNT + 10)
      pair.move(0)
      assert.deepEqual(await pair.client.ask('sayAll', { numbers, text: 'name' }), names)
      assert.deepEqual(await pair.client.ask('sayAll', { numbers: late, text: 'name' }), lateNames)
      // those of the backup take part in the end as well
      for (const number of [...numbers, ...late]) await pair.client.ask('end', { number })
      await until('closed', () => established(pair.connections(0)) === 0)
      assert.equal(pair.counts(0, key)[0], 0)
    })
  })
}

describe('a backup', () => {
  /** @type {Pair} */
  let pair
  let key
  before(async () => {
    pair = new Pair({ role: 'u' })
    await pair.listen()
    key = pair.serve()
  })
  after(() => pair?.close())

  test('that joins late is told all connections, those too of which no packet comes', async () => {
    pair.start(0, 'master')
    const numbers = await pair.client.ask('openMany', { host: VIP, port: PORT, count: COUNT })
    const names = await pair.client.ask('sayAll', { numbers, text: 'name' })
    await until('told to nobody', () => pair.figures(0).master.connections >= COUNT)
    pair.start(1, 'backup')
    await until('the resync', () => established(pair.connections(1)) === COUNT)
    await until('and its end', () => pair.figures(1).backup.resyncs === 1)
    assert.equal(pair.figures(1).backup.resyncConnections, COUNT)
    pair.move(1)
    assert.deepEqual(await pair.client.ask('sayAll', { numbers, text: 'name' }), names)
    pair.move(0)
    for (const number of numbers) await pair.client.ask('end', { number })
    await until('their ends are told', () => pair.counts(1, key)[0] === 0)
    assert.ok(pair.connections(1).every(({ state }) => state === 'TIME_WAIT'))
  })

  test('knows a client’s server: its next connection goes there', async () => {
    const key3 = pair.serve({ port: 8003, persistence: 300 })
    await pair.listen(8003)
    // the one that round robin does not take first
    pair.weigh(0, key3, 2, 0)
    const [first] = await pair.client.ask('openMany', { host: VIP, port: 8003, count: 1 })
    assert.deepEqual(await pair.client.ask('sayAll', { numbers: [first], text: 'name' }), ['s1'])
    pair.weigh(0, key3, 2, 1)
    const template = (i) =>
      pair.connections(i).find(({ client, virtual }) => client.port === 0 && virtual.port === 8003)
    await until('the template is told', () => template(1) !== undefined)
    assert.equal(template(1).server.address, template(0).server.address)
    pair.move(1)
    const more = await pair.client.ask('openMany', { host: VIP, port: 8003, count: 3 })
    assert.deepEqual(await pair.client.ask('sayAll', { numbers: more, text: 'name' }), ['s1', 's1', 's1'])
    pair.move(0)
    await pair.client.ask('resetAll')
  })

  test('takes up connections when their server is added', async () => {
    const key2 = pair.serve({ port: 8001, on: [0] })
    await pair.listen(8001)
    const numbers = await pair.client.ask('openMany', { host: VIP, port: 8001, count: 5 })
    await pair.client.ask('sayAll', { numbers, text: 'name' })
    await until('they wait', () => pair.figures(1).backup.waiting === 5)
    pair.serve({ port: 8001, on: [1] })
    await until('they are here', () => pair.counts(1, key2)[0] === 5)
    await until('none waits', () => pair.figures(1).backup.waiting === 0)
    await pair.client.ask('resetAll')
  })

  test('takes nothing of another syncid', async () => {
    pair.stop(1, 'backup')
    pair.start(1, 'backup', '--syncid', 9)
    const before = pair.connections(1).length
    const numbers = await pair.client.ask('openMany', { host: VIP, port: PORT, count: 5 })
    await pair.client.ask('sayAll', { numbers, text: 'name' })
    await until('they were sent', () => pair.figures(1).backup.others > 0)
    assert.equal(pair.connections(1).length, before)
    await pair.client.ask('resetAll')
  })
})

describe('both daemons on both directors', () => {
  /** @type {Pair} */
  let pair
  let key
  before(async () => {
    pair = new Pair({ role: 'b' })
    await pair.listen()
    key = pair.serve()
    for (const i of [0, 1]) for (const state of ['master', 'backup']) pair.start(i, state)
  })
  after(() => pair?.close())

  test('nothing comes back to who told it, and the VIP moves with no command', async () => {
    const numbers = await pair.client.ask('openMany', { host: VIP, port: PORT, count: COUNT })
    const names = await pair.client.ask('sayAll', { numbers, text: 'name' })
    await pair.client.ask('sayAll', { numbers, text: 'echo x' })
    await until('the other one has all of them', () => established(pair.connections(1)) === COUNT)
    await until('its figures', () => pair.figures(1).backup.insertions.made === COUNT)
    assert.equal(pair.figures(1).master.connections, 0)
    assert.equal(pair.figures(0).backup.connections, 0)

    pair.move(1)
    assert.deepEqual(await pair.client.ask('sayAll', { numbers, text: 'name' }), names)
    for (const number of numbers) await pair.client.ask('end', { number })
    await until('their ends come back', () => pair.counts(0, key)[0] === 0)
    pair.move(0)
  })
})

describe('daemons as processes', () => {
  /** @type {Pair} */
  let pair
  before(() => {
    pair = new Pair({ role: 'd', servers: 0 })
  })
  after(() => pair?.close())

  const list = () => pair.ipvsadm(0, '-L', '--daemon').stdout
  test('one of each state, listed as ipvsadm lists them', () => {
    pair.start(0, 'master', '--syncid', 3, '--mcast-port', 9000)
    pair.start(0, 'backup', '--syncid', 233, '--mcast-group', 'ff02::1:2', '--sync-maxlen', 1)
    assert.equal(
      list(),
      'master sync daemon (mcast=sync0, syncid=3, maxlen=1472, group=224.0.0.81, port=9000, ttl=1)\n' +
        'backup sync daemon (mcast=sync0, syncid=233, maxlen=1024, group=ff02::1:2, port=8848, ttl=1)\n',
    )
    const again = pair.ipvsadm(0, '--start-daemon', 'backup', '--mcast-interface', 'sync0')
    assert.deepEqual([again.status, again.stderr], [255, 'Daemon has already run\n'])
    assert.equal(pair.stop(0, 'master'), 0)
    assert.match(list(), /^backup/)
  })

  test('one that is killed is not running, and makes way for the next one', async () => {
    process.kill(pair.pid(0, 'backup'), 'SIGKILL')
    await until('it is gone', () => list() === '')
    assert.equal(pair.stop(0, 'backup'), 255)
    pair.start(0, 'backup', '--syncid', 233)
    assert.match(list(), /^backup/)
  })

  test('one does not keep its network namespace alive', async () => {
    const [a, b] = [new Namespace('la'), new Namespace('lb')]
    wire([a, 'sync0'], [b, 'sync0'])
    assert.equal(a.try(bin('ipvsadm'), '--start-daemon', 'backup', '--mcast-interface', 'sync0').status, 0)
    const cookie = a.within(() => netnsCookie()).toString(16)
    const files = () => readdirSync('/run/sluice/sync').filter((name) => name.startsWith(`${cookie}-`))
    await until('it runs', () => files().includes(`${cookie}-backup.stats`))
    a.vanish()
    await until('it has ended', () => files().length === 0)
    b.remove()
  })
})
