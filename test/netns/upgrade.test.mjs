// Another version of the program takes over, with connections in the table: none is lost, whatever happens on the way.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  LAYOUT_VERSION,
  objectPath,
  openOrCreateTable,
  openTable,
  SluiceState,
  upgradeTable,
} from '../../dist/datapath/index.js'
import { besideOf, listPins } from '../../dist/datapath/pins.js'
import { closeFd, linkInfo, objGet } from '../../dist/kernel/index.js'
import { Farm, PORT, server, VIP } from '../lib/farm.mjs'
import { until } from '../lib/host.mjs'
import { canCompile, narrowerLayout, olderLayout, variant } from '../lib/variant.mjs'

const sluice = fileURLToPath(new URL('../../bin/sluice', import.meta.url))
const ipvsadm = fileURLToPath(new URL('../../bin/ipvsadm', import.meta.url))
const upgrader = fileURLToPath(new URL('../lib/upgrader.mjs', import.meta.url))
const shipped = readFileSync(objectPath('sluice'))
/** The same program, told from the shipped one by its bytes alone. */
const twin = Buffer.concat([shipped, Buffer.from('another')])
const compiler = canCompile ? false : 'there is no compiler here'
const folder = mkdtempSync(join(tmpdir(), 'sluice-upgrade-'))
after(() => rmSync(folder, { recursive: true }))

const older = canCompile ? variant(olderLayout) : shipped

/** A farm whose table an object made, with connections open. */
async function begin(role, object) {
  const farm = new Farm({ role })
  farm.host.within(() => openOrCreateTable({ object }).close())
  await farm.listen()
  const key = farm.serve({ scheduler: 'rr' })
  const udp = farm.serve({ protocol: 'udp', scheduler: 'rr' })
  const numbers = await farm.client.ask('openMany', { host: VIP, port: PORT, count: 40 })
  const names = await farm.client.ask('sayAll', { numbers, text: 'name' })
  assert.deepEqual([...new Set(names)].sort(), ['s1', 's2'])
  return { farm, key, udp, numbers, names }
}

/** Every connection is answered by who answered it before. */
async function assertHeld({ farm, numbers, names }) {
  assert.deepEqual(await farm.client.ask('sayAll', { numbers, text: 'name' }), names)
}

const upgrade = (farm, object) => farm.host.within(() => upgradeTable({ object }))
/** The program that stands at the director's device. */
const linked = (farm) =>
  farm.table(({ directory }) => {
    const link = objGet(join(directory, `link-${farm.host.ifindex('eth0')}`))
    try {
      return linkInfo(link).progId
    } finally {
      closeFd(link)
    }
  })
const setTimeout_ = (farm, state, seconds) =>
  farm.table(({ settings }) => settings.setTimeout(SluiceState[state], seconds))

/** The table works: counts are right, a new connection is scheduled, edits reach packets, and what is over expires. */
async function assertWorks({ farm, key, udp, numbers }) {
  assert.deepEqual(farm.counts(key), [
    [numbers.length / 2, 0],
    [numbers.length / 2, 0],
  ])
  assert.equal(farm.connections().filter(({ protocol }) => protocol === 'tcp').length, numbers.length)
  setTimeout_(farm, 'UDP', 1)
  assert.match(await farm.client.ask('udp', { host: VIP, port: PORT, text: 'x' }), /^s[12] x$/)
  await until('the datagram’s connection has expired', () =>
    farm
      .counts(udp)
      .flat()
      .every((count) => count === 0),
  )
  farm.edit((director) => director.editServer(key, { address: server(1), port: PORT }, { method: 'masq', weight: 0 }))
  assert.deepEqual(await farm.client.ask('names', { host: VIP, port: PORT, count: 3 }), ['s2', 's2', 's2'])
  farm.edit((director) => director.editServer(key, { address: server(1), port: PORT }, { method: 'masq', weight: 1 }))
}

test('the same layout: the program is replaced by link update, all maps but the timers’ are shared, no packet waits', async () => {
  const run = await begin('u1', shipped)
  try {
    const before = linked(run.farm)
    const done = upgrade(run.farm, twin)
    assert.ok(done.changed)
    assert.equal(done.heldMs, 0)
    assert.deepEqual([...done.carried].sort(), ['estimator', 'locality_keeper', 'wheel_hands'])
    assert.ok(done.devices.includes('eth0') && done.devices.includes('lo'))
    assert.notEqual(linked(run.farm), before)
    await assertHeld(run)
    await assertWorks(run)
    assert.equal(upgrade(run.farm, twin).changed, false)
  } finally {
    await run.farm.close()
  }
})

test('the fast path is replaced with the program behind it', async () => {
  const run = await begin('u4', shipped)
  const { farm } = run
  const fast = () =>
    farm.table(({ directory }) => {
      const link = objGet(join(directory, `xdp-${farm.host.ifindex('eth0')}`))
      try {
        return linkInfo(link).progId
      } finally {
        closeFd(link)
      }
    })
  try {
    farm.host.run(sluice, 'attach', '--mode', 'xdp-generic', 'eth0')
    const before = fast()
    upgrade(farm, twin)
    assert.notEqual(fast(), before)
    await assertHeld(run)
    await assertWorks(run)
  } finally {
    await farm.close()
  }
})

test('an older layout: commands refuse the table, `sluice upgrade` carries it over', { skip: compiler }, async () => {
  const run = await begin('u2', older)
  const { farm } = run
  try {
    farm.table(({ settings }) => {
      settings.layout = LAYOUT_VERSION - 1
    })
    const refused = farm.host.try(ipvsadm, '-Ln')
    assert.notEqual(refused.status, 0)
    assert.match(refused.stderr, /SLUICE_LAYOUT.*sluice upgrade/)
    await assertHeld(run)
    const said = farm.host.run(sluice, 'upgrade')
    assert.match(said, new RegExp(`layout ${LAYOUT_VERSION - 1} to ${LAYOUT_VERSION}`))
    assert.match(said, /carried over: .*\bconnections4\b.*\bflows4\b|carried over: .*\bflows4\b.*\bconnections4\b/)
    await assertHeld(run)
    await assertWorks(run)
    assert.match(farm.host.run(sluice, 'upgrade'), /nothing to do/)
    assert.match(farm.host.run(ipvsadm, '-Lnc'), /ESTABLISHED/)
  } finally {
    await farm.close()
  }
})

for (const step of ['loaded', 'held', 'copied', 'started', 'handed over', 'renamed', 'replaced']) {
  test(`killed when it has ${step}: packets and commands go on, and the next upgrade succeeds`, {
    skip: compiler,
  }, async () => {
    const run = await begin(`k${step.length}${step[0]}`, older)
    const { farm } = run
    const object = join(folder, 'shipped.o')
    writeFileSync(object, shipped)
    try {
      const killed = farm.host.try(process.execPath, upgrader, object, step)
      assert.equal(killed.signal, 'SIGKILL', killed.stderr)
      await assertHeld(run)
      const over = ['handed over', 'renamed', 'replaced'].includes(step)
      // the older table's records are not this version's to read
      if (!over) assert.equal(upgrade(farm, shipped).changed, true)
      await assertHeld(run)
      await assertWorks(run)
      const directory = farm.table((table) => table.directory)
      // whoever comes next tidies up, unless another namespace's table is just being made
      await until('nothing is left beside the table', () => {
        farm.host.within(() => openTable().close())
        return listPins(besideOf(directory)).length === 0
      })
      assert.equal(upgrade(farm, shipped).changed, false)
    } finally {
      await farm.close()
    }
  })
}

test('what cannot be carried over is refused by name, and nothing changes', { skip: compiler }, async () => {
  const run = await begin('u3', shipped)
  try {
    const before = linked(run.farm)
    assert.throws(() => upgrade(run.farm, variant(narrowerLayout)), {
      code: 'SLUICE_NO_UPGRADE',
      message: /map connections[46]: .*in_packets has fewer bytes than before/,
    })
    assert.equal(linked(run.farm), before)
    await assertHeld(run)
    await assertWorks(run)
  } finally {
    await run.farm.close()
  }
})
