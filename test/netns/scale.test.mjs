// Large tables: they load, list, are edited and forward.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Farm, PORT, server, VIP } from '../lib/farm.mjs'

const ipvsadm = fileURLToPath(new URL('../../bin/ipvsadm', import.meta.url))
const SERVICES = 10_000
const SERVERS = 4_096
const FIRST = 20_000

/** @type {Farm} */
let farm
before(async () => {
  farm = new Farm({ role: 'z' })
  await farm.listen()
})
after(() => farm?.close())

function run(words, input) {
  const got = spawnSync('nsenter', [`--net=${farm.host.path}`, ipvsadm, ...words], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  assert.equal(got.stderr, '')
  assert.equal(got.status, 0)
  return got.stdout
}

const name = (port) => farm.client.ask('name', { host: VIP, port }).then(({ name }) => name)
const listed = (text, what) => text.split('\n').filter((line) => line.startsWith(what)).length

test('10,000 services of four servers: restored, listed, saved; the first, the last and one between forward', async () => {
  const lines = []
  for (let port = FIRST; port < FIRST + SERVICES; port += 1) {
    const service = `-t ${VIP}:${port}`
    lines.push(`-A ${service} -s rr`)
    for (let i = 1; i <= 2; i += 1) lines.push(`-a ${service} -r ${server(i)}:${PORT} -m -w 1`)
    for (let i = 3; i <= 4; i += 1) lines.push(`-a ${service} -r ${server(i)}:${PORT} -m -w 0`)
  }
  run(['-R'], `${lines.join('\n')}\n`)
  const list = run(['-Ln'])
  assert.equal(listed(list, 'TCP  '), SERVICES)
  assert.equal(listed(list, '  -> 198.'), 4 * SERVICES)
  const saved = run(['-Sn']).trim().split('\n')
  assert.deepEqual(saved.sort(), lines.sort())
  for (const port of [FIRST, FIRST + 4_321, FIRST + SERVICES - 1])
    assert.deepEqual([await name(port), await name(port)].sort(), ['s1', 's2'])
})

test('among them one edit is seen at once, by packets and by listings, and changes no other', async () => {
  const port = FIRST + 7_777
  run(['-e', '-t', `${VIP}:${port}`, '-r', `${server(1)}:${PORT}`, '-m', '-w', '0'])
  assert.deepEqual([await name(port), await name(port)], ['s2', 's2'])
  assert.deepEqual([await name(port + 1), await name(port + 1)].sort(), ['s1', 's2'])
  run(['-D', '-t', `${VIP}:${port}`])
  await assert.rejects(name(port))
  assert.equal(listed(run(['-Ln']), 'TCP  '), SERVICES - 1)
})

test(`one service of ${SERVERS} servers: restored, listed, edited; each scheduler that looks at all of them finds the one to take`, async () => {
  run(['-C'])
  const service = `-t ${VIP}:${PORT}`
  const lines = [`-A ${service} -s wlc`]
  for (let i = 2; i < SERVERS; i += 1) lines.push(`-a ${service} -r ${server(1)}:${FIRST + i} -m -w 0`)
  lines.push(`-a ${service} -r ${server(1)}:${PORT} -m -w 1`, `-a ${service} -r ${server(2)}:${PORT} -m -w 1`)
  run(['-R'], `${lines.join('\n')}\n`)
  assert.equal(listed(run(['-Ln']), '  -> 198.'), SERVERS)
  for (const scheduler of ['wlc', 'rr', 'wrr', 'lc', 'mh', 'sed']) {
    run(['-E', '-t', `${VIP}:${PORT}`, '-s', scheduler, ...(scheduler === 'mh' ? ['-b', 'mh-fallback'] : [])])
    run(['-e', '-t', `${VIP}:${PORT}`, '-r', `${server(1)}:${PORT}`, '-m', '-w', '0'])
    if (scheduler !== 'mh' && scheduler !== 'lc') assert.equal(await name(PORT), 's2', scheduler)
    run(['-e', '-t', `${VIP}:${PORT}`, '-r', `${server(1)}:${PORT}`, '-m', '-w', '1'])
  }
  run(['-d', '-t', `${VIP}:${PORT}`, '-r', `${server(1)}:${FIRST + 2}`])
  assert.equal(listed(run(['-Ln']), '  -> 198.'), SERVERS - 1)
})

test('bytes of a NAT connection of IPv4, as `sluice status` tells: at most 256', () => {
  const { connections } = JSON.parse(farm.host.run(ipvsadm.replace(/ipvsadm$/, 'sluice'), 'status', '--json'))
  assert.ok(connections.bytes > 0 && connections.bytes <= 256, String(connections.bytes))
})
