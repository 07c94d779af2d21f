// Kernel IPVS and Sluice side by side on one kernel, a network namespace each: each tells the other its connections, the VIP
// moves, and the connections go on. Run by `npm run test:oracle -- sync`, where there is a kernel with ip_vs.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '../lib/host.mjs'
import { Pair, PORT, VIP } from '../lib/pair.mjs'

const KERNEL = 0
const SLUICE = 1
const COUNT = 20
/** Emulated, everything takes longer; and the kernel's daemon sends what has waited two seconds. */
const PATIENCE = 60

/** With SYNC_SHARE=I/N, every Nth of what there is to do: one virtual machine would have to live for ten minutes. */
const [share, shares] = (process.env.SYNC_SHARE ?? '1/1').split('/').map(Number)
const groups = ['masq', 'route']
  .flatMap((method) => ['connections', 'templates'].map((subject) => ({ method, subject })))
  .filter((_, i) => i % shares === share - 1)

const established = (connections) => connections.filter(({ state }) => state === 'ESTABLISHED')
const told = (connections) =>
  established(connections)
    .map(({ client, server }) => `${client.port} ${server.address}:${server.port}`)
    .sort()

for (const { method, subject } of groups) {
  describe(`${method}, ${subject}: kernel IPVS and Sluice`, () => {
    /** @type {Pair} */
    let pair
    before(async () => {
      pair = new Pair({ role: method.slice(0, 1), method, kernel: KERNEL })
      await pair.listen()
      pair.serve()
    })
    after(() => pair?.close())

    /** Connections that have said enough to be told of. */
    async function open() {
      const numbers = await pair.client.ask('openMany', { host: VIP, port: PORT, count: COUNT, at: 10 })
      const names = await pair.client.ask('sayAll', { numbers, text: 'name' })
      assert.deepEqual([...new Set(names)].sort(), ['s1', 's2'])
      await pair.client.ask('sayAll', { numbers, text: 'echo x' })
      return { numbers, names }
    }

    async function roles(master, backup) {
      for (const i of [KERNEL, SLUICE]) for (const state of ['master', 'backup']) pair.stop(i, state)
      pair.start(backup, 'backup', '--syncid', 7)
      pair.start(master, 'master', '--syncid', 7)
      if (backup === SLUICE) await until('it listens', () => pair.figures(SLUICE).backup?.datagrams === 0, PATIENCE)
      else await until('it looks', () => pair.figures(SLUICE).master?.datagrams >= 0, PATIENCE)
    }

    async function moves(from, to) {
      await roles(from, to)
      pair.move(from)
      const { numbers, names } = await open()
      await until(
        'the backup has all of them',
        () => told(pair.connections(to)).length === told(pair.connections(from)).length,
        PATIENCE,
      )
      assert.deepEqual(told(pair.connections(to)), told(pair.connections(from)))
      pair.move(to)
      assert.deepEqual(await pair.client.ask('sayAll', { numbers, text: 'name' }), names)
      pair.move(from)
      assert.deepEqual(await pair.client.ask('sayAll', { numbers, text: 'name' }), names)
      for (const number of numbers) await pair.client.ask('end', { number })
      await until('their ends are told', () => established(pair.connections(to)).length === 0, PATIENCE)
    }

    if (subject === 'connections') {
      test('the kernel tells Sluice', () => moves(KERNEL, SLUICE))

      test('Sluice tells the kernel', () => moves(SLUICE, KERNEL))

      test('the kernel tells Sluice in version 0', async () => {
        pair.hosts[KERNEL].sysctl('net/ipv4/vs/sync_version', 0)
        await moves(KERNEL, SLUICE)
        pair.hosts[KERNEL].sysctl('net/ipv4/vs/sync_version', 1)
      })
    }

    for (const [name, from, to] of subject === 'templates'
      ? [
          ['the kernel tells Sluice', KERNEL, SLUICE],
          ['Sluice tells the kernel', SLUICE, KERNEL],
        ]
      : [])
      test(`${name} which server a client has: its next connection goes there`, async () => {
        await roles(from, to)
        pair.move(from)
        const port = 8100 + from
        const key = pair.serve({ port, persistence: 300 })
        await pair.listen(port)
        // the one that round robin does not take first
        pair.weigh(from, key, 2, 0)
        const numbers = await pair.client.ask('openMany', { host: VIP, port, count: 2 })
        const say = (text, all) => pair.client.ask('sayAll', { numbers: all, text })
        assert.deepEqual(await say('name', numbers), ['s1', 's1'])
        for (let i = 0; i < 4; i += 1) await say('echo x', numbers)
        pair.weigh(from, key, 2, 1)
        const template = (i) =>
          pair.connections(i).find(({ client, server: { address } }) => client.port === 0 && address.endsWith('.11'))
        await until('the template is there', () => template(to) !== undefined, PATIENCE)
        pair.move(to)
        const more = await pair.client.ask('openMany', { host: VIP, port, count: 3 })
        assert.deepEqual(await say('name', more), ['s1', 's1', 's1'])
        pair.move(from)
        await pair.client.ask('resetAll')
      })

    test('neither finds fault with what the other one says', async () => {
      await roles(KERNEL, SLUICE)
      await until('a request for all was sent', () => pair.figures(SLUICE).backup?.datagrams >= 0, PATIENCE)
      assert.deepEqual(pair.figures(SLUICE).backup.malformed, {})
      // a kernel backup heard that a Sluice master started, and a kernel master a request
      const said = pair.switch.run('dmesg').split('\n')
      const started = /sync thread (started|\d+ \.\.\.)/
      assert.deepEqual(
        said.filter((line) => /IPVS:.*(BACKUP|sync|buf|bad|unknown)/i.test(line) && !started.test(line)),
        [],
      )
    })
  })
}
