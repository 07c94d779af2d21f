// net.ipv4.vs.* of one namespace: `sluice sysctl`, as sysctl(8) is used with kernel IPVS's.
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { status } from '../../dist/datapath/index.js'
import { sysctlNames } from '../../dist/ipvs/index.js'
import { Namespace } from '../lib/netns.mjs'

const bin = fileURLToPath(new URL('../../bin/sluice', import.meta.url))

/** @param {import('node:test').TestContext} t */
function host(t, role) {
  const namespace = new Namespace(role)
  t.after(() => namespace.remove())
  const sysctl = (...args) => {
    const { status, stdout, stderr } = namespace.try(process.execPath, bin, 'sysctl', ...args)
    return { status, stdout, stderr }
  }
  return { namespace, sysctl }
}

const said = (stdout) => ({ status: 0, stdout, stderr: '' })

describe('sluice sysctl', () => {
  test('lists all of them, as sysctl(8) could load them, before there is a table, and makes none', (t) => {
    const { namespace, sysctl } = host(t, 'all')
    const { status: ended, stdout } = sysctl('-a')
    assert.equal(ended, 0)
    const names = [...stdout.matchAll(/^net\.ipv4\.vs\.(\w+) = -?\d+(\t\d+)?$/gm)].map(([, name]) => name)
    assert.deepEqual(names.sort(), [...sysctlNames].sort())
    assert.equal(
      stdout.split('\n').every((line) => line === '' || line.startsWith('#') || line.startsWith('net.ipv4.vs.')),
      true,
    )
    assert.equal(sysctl().stdout, stdout)
    assert.equal(namespace.within(() => status()).table, undefined)
  })

  test('sets one: it is read back, the table exists, and no device is attached', (t) => {
    const { namespace, sysctl } = host(t, 'set')
    assert.deepEqual(sysctl('conn_reuse_mode=0'), said('net.ipv4.vs.conn_reuse_mode = 0\n'))
    assert.deepEqual(sysctl('-n', 'net.ipv4.vs.conn_reuse_mode'), said('0\n'))
    const { table, devices } = namespace.within(() => status())
    assert.equal(typeof table, 'string')
    assert.deepEqual(
      devices.filter(({ hook }) => hook),
      [],
    )
  })

  test('is one set a namespace', (t) => {
    const [a, b] = [host(t, 'a'), host(t, 'b')]
    a.sysctl('-q', '-w', 'amemthresh=7')
    assert.deepEqual(a.sysctl('amemthresh'), said('net.ipv4.vs.amemthresh = 7\n'))
    assert.deepEqual(b.sysctl('amemthresh'), said('net.ipv4.vs.amemthresh = 1024\n'))
  })

  test('an unknown key and a wrong value are refused, one line each; the rest is done; no table is made by them', (t) => {
    const { namespace, sysctl } = host(t, 'bad')
    const unknown = 'sluice: SLUICE_NO_SYSCTL: unknown key "net.ipv4.vs.drop"; sluice sysctl -a lists the keys\n'
    const invalid =
      'sluice: SLUICE_BAD_SYSCTL: setting key "net.ipv4.vs.sync_ports": Invalid argument; it takes 1, 2, 4, 8, 16, 32 or 64\n'
    assert.deepEqual(sysctl('drop=1', 'sync_ports=3'), { status: 1, stdout: '', stderr: unknown + invalid })
    assert.equal(namespace.within(() => status()).table, undefined)
    assert.deepEqual(sysctl('drop=1', 'sync_ports = 4'), {
      status: 1,
      stdout: 'net.ipv4.vs.sync_ports = 4\n',
      stderr: unknown,
    })
    assert.deepEqual(sysctl('-e', 'drop', 'sync_ports'), said('net.ipv4.vs.sync_ports = 4\n'))
  })

  test('loads what a file says of net.ipv4.vs, and nothing else of it', async (t) => {
    const { sysctl } = host(t, 'load')
    const folder = await mkdtemp('/tmp/slt-sysctl-')
    t.after(() => rm(folder, { recursive: true }))
    const file = join(folder, '90-lvs.conf')
    writeFileSync(
      file,
      '# LVS\nnet.ipv4.ip_forward = 1\nnet.ipv4.vs.sync_threshold = 2 20\n-net/ipv4/vs/sloppy_tcp=1\n;net.ipv4.vs.conntrack=1\n',
    )
    assert.deepEqual(sysctl('-p', file), said('net.ipv4.vs.sync_threshold = 2\t20\nnet.ipv4.vs.sloppy_tcp = 1\n'))
    assert.equal(readdirSync(folder).length, 1)
    const { status: ended, stderr } = sysctl('--load', join(folder, 'none'))
    assert.equal(ended, 1)
    assert.match(stderr, /^sluice: SLUICE_NO_FILE: .+\n$/)
  })

  test('as JSON: name, value, default, whether it acts and why not', (t) => {
    const { sysctl } = host(t, 'json')
    const all = JSON.parse(sysctl('--json').stdout)
    assert.deepEqual(
      all.map(({ name }) => name),
      sysctlNames,
    )
    for (const { value, default: initial, effect, reason } of all) {
      assert.equal(value, initial)
      assert.equal(effect === 'acts', reason === undefined)
    }
  })
})
