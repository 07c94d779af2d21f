import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { inside, sluice } from '../lab/testing.js'
import { forgetNamespace } from './index.js'

const namespace = `t${process.pid}-director`
const library = new URL('../ipvs/index.js', import.meta.url).href

const command = (...args: string[]) => inside(namespace, process.execPath, sluice, ...args)
const director = (...args: string[]) => command('director', ...args)

/** Runs a line with `table`, the namespace's Director; gives back what the line's expression is. */
function withTable(expression: string): unknown {
  const script = `import { Director } from '${library}'; const table = Director.open(); console.log(JSON.stringify((${expression}) ?? null, (k, v) => typeof v === 'bigint' ? String(v) : v))`
  const { stdout, stderr } = inside(namespace, process.execPath, '--input-type=module', '-e', script)
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

interface Row {
  readonly key: { readonly address: string; readonly port: number }
  readonly options: { readonly scheduler: string }
  readonly servers: readonly { readonly address: string; readonly method: string; readonly weight: number }[]
}

const table = () =>
  (withTable('table.services()') as Row[]).map(({ key, options, servers }) => ({
    service: `${key.address}:${key.port} ${options.scheduler}`,
    servers: servers.map(({ address, method, weight }) => `${address} ${method} ${weight}`).sort(),
  }))

const hasVip = (vip: string) => inside(namespace, 'ip', 'address', 'show', 'dev', 'lo').stdout.includes(` ${vip}/32 `)

const start = (...more: string[]) =>
  director('start', '172.16.0.100:80', '-s', 'wrr', '-r', '192.168.188.81', '-r', '192.168.188.82', ...more)

const started = [{ service: '172.16.0.100:80 wrr', servers: ['192.168.188.81 route 1', '192.168.188.82 route 1'] }]

beforeEach(() => {
  execFileSync('ip', ['netns', 'add', namespace])
  inside(namespace, 'ip', 'link', 'set', 'lo', 'up')
})

afterEach(() => {
  command('detach', '--flush')
  forgetNamespace(namespace)
  execFileSync('ip', ['netns', 'delete', namespace])
})

describe('sluice director', () => {
  test('start says what the script says and makes VIP, service and servers; stop undoes it', () => {
    assert.deepEqual(start('-g'), { status: 0, stdout: 'The VS Server is Ready!\n', stderr: '' })
    assert.deepEqual(table(), started)
    assert.equal(hasVip('172.16.0.100'), true)
    assert.deepEqual(director('stop'), { status: 0, stdout: 'The VS Server is Canceled!\n', stderr: '' })
    assert.deepEqual(table(), [])
    assert.equal(hasVip('172.16.0.100'), false)
  })

  test('a second start changes nothing, and stop still undoes the first', () => {
    start()
    assert.equal(start().status, 0)
    assert.deepEqual(table(), started)
    director('stop')
    assert.deepEqual(table(), [])
    assert.equal(hasVip('172.16.0.100'), false)
  })

  test('stop leaves other services alone, unlike the script with its ipvsadm -C', () => {
    withTable(`table.addService({ protocol: 'tcp', address: '172.16.0.7', port: 80 }, { scheduler: 'rr' })`)
    start()
    director('stop')
    assert.deepEqual(table(), [{ service: '172.16.0.7:80 rr', servers: [] }])
  })

  test('stop leaves a service that was there before, and a server that was added since', () => {
    const key = `{ protocol: 'tcp', address: '172.16.0.100', port: 80 }`
    withTable(`table.addService(${key}, { scheduler: 'rr' })`)
    start()
    director('stop')
    assert.deepEqual(table(), [{ service: '172.16.0.100:80 rr', servers: [] }])
    withTable(`table.deleteService(${key})`)

    start()
    withTable(`table.addServer(${key}, { address: '192.168.188.83', port: 80 }, { method: 'route', weight: 2 })`)
    assert.match(director('stop').stderr, /172\.16\.0\.100:80 has servers that were added since: left with these/)
    assert.deepEqual(table(), [{ service: '172.16.0.100:80 wrr', servers: ['192.168.188.83 route 2'] }])
  })

  test('a VIP of two services stays until the last of them stops', () => {
    start()
    director('start', '172.16.0.100:443', '-r', '192.168.188.81')
    director('stop', '172.16.0.100:80')
    assert.equal(hasVip('172.16.0.100'), true)
    director('stop')
    assert.equal(hasVip('172.16.0.100'), false)
  })

  test('an address that was on lo before stays there', () => {
    inside(namespace, 'ip', 'address', 'add', '172.16.0.100/32', 'dev', 'lo')
    start()
    director('stop')
    assert.equal(hasVip('172.16.0.100'), true)
  })

  test('-m and -i choose the forwarding method, -w the weight', () => {
    start('-m', '-w', '3')
    assert.deepEqual(table()[0]?.servers, ['192.168.188.81 masq 3', '192.168.188.82 masq 3'])
    director('stop')
    start('-i')
    assert.deepEqual(table()[0]?.servers, ['192.168.188.81 tunnel 1', '192.168.188.82 tunnel 1'])
  })

  test('what the table refuses ends with status 1 and one line, and nothing of it stays', () => {
    const { status, stderr } = director('start', '172.16.0.100:80', '-s', 'no-such', '-r', '192.168.188.81')
    assert.equal(status, 1)
    assert.match(stderr, /^sluice: .+\n$/)
    assert.deepEqual(table(), [])
    assert.equal(hasVip('172.16.0.100'), false)
  })
})
