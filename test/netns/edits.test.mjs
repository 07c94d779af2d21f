// Edits under load, two at once, and cut off in the middle.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SluiceDrop, SluiceState } from '../../dist/datapath/index.js'
import { Director } from '../../dist/index.js'
import { Farm, PORT, server, VIP } from '../lib/farm.mjs'
import { until } from '../lib/host.mjs'
import { random } from '../lib/reference.mjs'

const editor = fileURLToPath(new URL('../lib/editor.mjs', import.meta.url))

/** @type {Farm} */
let farm
before(async () => {
  farm = new Farm({ servers: 3 })
  await farm.listen()
})
after(() => farm?.close())

/** Starts an editing process in the director's namespace. */
function edit(...args) {
  const child = spawn('nsenter', [`--net=${farm.host.path}`, process.execPath, editor, ...args.map(String)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  return child
}

test('1,000 connections are open while everything about their service is edited: none breaks', async () => {
  const key = farm.serve({ scheduler: 'wlc' })
  const numbers = await farm.client.ask('openMany', { host: VIP, port: PORT, count: 1000 })
  const names = await farm.client.ask('sayAll', { numbers, text: 'name' })
  assert.deepEqual(
    farm
      .counts(key)
      .map(([active]) => active)
      .sort(),
    [333, 333, 334],
  )
  const still = async (after_) =>
    assert.deepEqual(await farm.client.ask('sayAll', { numbers, text: 'name' }), names, after_)

  for (const scheduler of ['rr', 'wrr', 'lc']) farm.edit((director) => director.editService(key, { scheduler }))
  await still('the scheduler was changed')
  const options = (weight, more) => ({ method: 'masq', weight, ...more })
  const first = { address: server(1), port: PORT }
  farm.edit((director) => director.editServer(key, first, options(0)))
  farm.edit((director) => director.editServer(key, first, options(7, { upperThreshold: 2, lowerThreshold: 1 })))
  await still('weights and thresholds were changed')
  farm.edit((director) => director.editServer(key, first, { method: 'route', weight: 1 }))
  await still('the method was changed: live connections keep theirs')
  farm.edit((director) => director.editServer(key, first, options(1)))
  for (let i = 1; i <= 20; i += 1)
    farm.edit((director) => director.addServer(key, { address: server(1), port: 7000 + i }, options(1)))
  for (let i = 1; i <= 20; i += 2)
    farm.edit((director) => director.deleteServer(key, { address: server(1), port: 7000 + i }))
  await still('servers were added and deleted')
  farm.edit((director) => director.setTimeouts({ tcp: 800 }))
  farm.edit((director) => director.zero(key))
  farm.edit((director) => {
    director.deleteServer(key, first)
    director.addServer(key, first, options(1))
  })
  await still('a server was deleted and added again, timeouts set, counters cleared')
  assert.equal(farm.connections().length, 1000)
  await farm.client.ask('resetAll')
  farm.edit((director) => director.deleteService(key))
})

test('edits go on while connections come: each is served, by a server that was there', async () => {
  const key = farm.serve({ scheduler: 'wrr', weights: [1, 2, 3] })
  let going = true
  const asking = (async () => {
    const seen = []
    while (going) seen.push(...(await farm.client.ask('names', { host: VIP, port: PORT, count: 20 })))
    return seen
  })()
  for (let i = 0; i < 60; i += 1) {
    farm.edit((director) => {
      director.editServer(key, { address: server(1), port: PORT }, { method: 'masq', weight: i % 3 })
      director.editService(key, { scheduler: ['rr', 'wrr', 'lc', 'wlc'][i % 4] })
      if (i % 2 === 0) director.deleteServer(key, { address: server(3), port: PORT })
      else director.addServer(key, { address: server(3), port: PORT }, { method: 'masq', weight: 2 })
    })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  going = false
  const names = await asking
  assert.ok(names.length >= 20 && names.every((name) => /^s[123]$/.test(name)))
  farm.edit((director) => director.deleteService(key))
})

test('two processes edit at once: both effects are there', async () => {
  const key = { protocol: 'tcp', address: VIP, port: 9100 }
  farm.edit((director) => director.addService(key, { scheduler: 'wrr' }))
  const children = [edit(9100, 10000, 60), edit(9100, 20000, 60)]
  const statuses = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
  assert.deepEqual(statuses, [0, 0])
  const ports = farm.service(key).servers.map(({ port }) => port)
  const expected = [10000, 20000].flatMap((first) =>
    Array.from({ length: 60 }, (_, i) => i)
      .filter((i) => i % 3 !== 0)
      .map((i) => first + i),
  )
  assert.deepEqual(ports.sort(), expected.sort())
  farm.edit((director) => director.deleteService(key))
})

test('killed in the middle of edits, again and again: the next command reads, repairs and edits', async (t) => {
  const seed = Number(process.env.SLUICE_SEED ?? 1)
  t.diagnostic(`SLUICE_SEED=${seed}`)
  const rand = random(seed)
  const key = farm.serve({ scheduler: 'wlc' })
  const edited = { protocol: 'tcp', address: VIP, port: 9200 }
  farm.edit((director) => director.addService(edited, { scheduler: 'rr' }))
  const numbers = await farm.client.ask('openMany', { host: VIP, port: PORT, count: 20 })
  const names = await farm.client.ask('sayAll', { numbers, text: 'name' })
  let journals = 0
  for (let round = 0; round < 10; round += 1) {
    const child = edit(9200, 30000, 0)
    await once(child, 'message')
    await new Promise((resolve) => setTimeout(resolve, 5 + rand(60)))
    child.kill('SIGKILL')
    await once(child, 'exit')
    if (farm.table(({ settings }) => settings.journal) !== 0) journals += 1
    // another process's first look, and first edit
    const next = farm.host.within(() => Director.open())
    try {
      farm.host.within(() => {
        const services = next.services()
        assert.ok(
          services.some((each) => each.key.port === PORT),
          'the other service is there',
        )
        next.editService(key, { scheduler: round % 2 ? 'wlc' : 'rr' })
        const there = next.service(edited)
        for (const each of there.servers) {
          assert.ok(each.port >= 30000 && each.port < 30020)
          next.deleteServer(edited, { address: each.address, port: each.port })
        }
        assert.deepEqual(next.service(edited).servers, [])
        next.addServer(edited, { address: server(1), port: 30000 }, { method: 'masq', weight: 1 })
        assert.equal(next.service(edited).servers.length, 1)
        next.deleteServer(edited, { address: server(1), port: 30000 })
      })
    } finally {
      next.close()
    }
    assert.equal(
      farm.table(({ settings }) => settings.journal),
      0,
    )
    assert.deepEqual(await farm.client.ask('sayAll', { numbers, text: 'name' }), names, `round ${round}`)
  }
  t.diagnostic(`${journals} of 10 kills came in the middle of an edit`)
  farm.edit((director) => director.editService(key, { scheduler: 'rr' }))
  assert.deepEqual(
    new Set(await farm.client.ask('names', { host: VIP, port: PORT, count: 9 })),
    new Set(['s1', 's2', 's3']),
  )
  await farm.client.ask('resetAll')
})

test('forwarding goes on with no process alive', async () => {
  // this process's own Director is closed, too
  farm.director.close()
  assert.equal((await farm.client.ask('names', { host: VIP, port: PORT, count: 6 })).length, 6)
})

test('a full connection table: new ones are refused and counted, live ones go on; with room again, new ones enter', async (t) => {
  const small = new Farm({ role: 'f', servers: 1, connections: 32 })
  t.after(() => small.close())
  await small.listen()
  const key = small.serve()
  assert.equal(
    small.edit((director) => director.connectionTableSize),
    32,
  )
  const full = () => small.table((table) => table.drops(SluiceDrop.TABLE_FULL))
  const numbers = await small.client.ask('openMany', { host: VIP, port: PORT, count: 32, at: 8 })
  assert.equal(full(), 0n)
  await assert.rejects(small.client.ask('open', { host: VIP, port: PORT, timeout: 500 }), { code: 'TIMEOUT' })
  assert.ok(full() > 0n)
  assert.equal(small.connections().length, 32)
  assert.deepEqual(small.counts(key), [[32, 0]])
  const names = await small.client.ask('sayAll', { numbers, text: 'name' })
  assert.deepEqual(new Set(names), new Set(['s1']))
  small.table(({ settings }) => {
    settings.setTimeout(SluiceState.CLOSE, 1)
    settings.setTimeout(SluiceState.TIME_WAIT, 1)
  })
  await small.client.ask('reset', { number: numbers[0] })
  await until('room', () => small.connections().length < 32)
  const refused = full()
  assert.equal((await small.client.ask('name', { host: VIP, port: PORT })).name, 's1')
  assert.equal(full(), refused)
})
