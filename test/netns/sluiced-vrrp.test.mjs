// Who has the virtual address: two sluiced, and sluiced with keepalived, on one link.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../lib/host.mjs'
import { keepalived, Link, VIP } from '../lib/link.mjs'
import { Nginx, Service, Sluiced } from '../lib/sluiced.mjs'

const has = (host, vip = VIP) => host.ip('-o', 'addr', 'show', 'dev', 'eth0').includes(` ${vip}/`)
const only = (hosts, which, vip = VIP) => hosts.every((host) => has(host, vip) === (host === which))

const folderOf = (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'slt-ha-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const linkOf = (t, role, count = 2) => {
  const link = new Link(role)
  t.after(() => link.remove())
  return Array.from({ length: count }, (_, i) => link.host(i + 1))
}

const configOf = (folder, host, instance, { services = {}, ...vrrp } = {}) => ({
  daemon: { availability: join(folder, `availability-${host.name}`) },
  services,
  vrrp: {
    instances: { VI: { interface: 'eth0', vrid: 51, advert_interval: '100ms', addresses: [`${VIP}/24`], ...instance } },
    ...vrrp,
  },
})

/** A daemon that does not outlive its test. */
const sluicedOf = (t, host, config) => {
  const sluiced = new Sluiced(host, config)
  t.after(() => sluiced.stop('SIGKILL'))
  return sluiced.start()
}

test('the address goes to the next one on stop and on kill, back to a higher priority, and with a priority that changes', async (t) => {
  const folder = folderOf(t)
  const hosts = linkOf(t, 'va')
  const [one, two] = hosts
  const first = await sluicedOf(t, one, configOf(folder, one, { priority: 150 }))
  const second = await sluicedOf(t, two, configOf(folder, two, { priority: 100 }))
  await until('the first has it', () => only(hosts, one))
  assert.match(second.command('health').stdout, /VI +eth0 +51 +backup +100 +10\.0\.0\.100\/24/)
  assert.equal(await first.stop(), 0)
  await until('the second has it', () => only(hosts, two))
  await first.start()
  await until('the first has it again', () => only(hosts, one))
  await first.stop('SIGKILL')
  await until('the second has it, too', () => has(two))
  await first.start()
  await until('the first alone', () => only(hosts, one))
  first.configure(configOf(folder, one, { priority: 50 }))
  assert.match(first.command('apply').stdout, /instance VI\n {2}~ priority 150 → 50/)
  await until('the second is worth more now', () => only(hosts, two))
  assert.doesNotMatch(first.output.split('configuration').at(-1), /stopped/, 'the router lived on')
})

test('killed and started again before anybody noticed, it keeps the address without a gap', async (t) => {
  const folder = folderOf(t)
  const [one] = linkOf(t, 'vk', 1)
  const sluiced = await sluicedOf(t, one, configOf(folder, one, { advert_interval: '1s' }))
  await until('it has the address', () => has(one))
  await sluiced.stop('SIGKILL')
  await sluiced.start()
  for (let i = 0; i < 20; i += 1) assert.ok(has(one), 'it was there all the time')
  await sluiced.logged(/vrrp VI: master/)
})

test('a director whose service has no quorum gives way, and so does one whose script or device says no', async (t) => {
  const folder = folderOf(t)
  const hosts = linkOf(t, 'vs')
  const [one, two] = hosts
  const flag = join(folder, 'ill')
  const services = {
    web: {
      address: VIP,
      port: 80,
      servers: [
        { address: '10.0.0.1', checks: [{ kind: 'script', command: `test ! -e ${flag}`, interval: '100ms', fall: 1 }] },
      ],
    },
  }
  const track = { services: ['web'], scripts: [{ name: 'own', weight: -60 }] }
  const scripts = { own: { command: `test ! -e ${flag}2`, interval: '100ms' } }
  const first = await sluicedOf(t, one, configOf(folder, one, { priority: 150, track }, { services, scripts }))
  await sluicedOf(t, two, configOf(folder, two, { priority: 100 }))
  await until('the first has it', () => only(hosts, one))
  writeFileSync(flag, '')
  await until('without a quorum it gives way', () => only(hosts, two))
  assert.match(first.command('health').stdout, /VI +eth0 +51 +fault .*service web is down/)
  rmSync(flag)
  await until('with one it is back', () => only(hosts, one))
  writeFileSync(`${flag}2`, '')
  await until('a script takes 60 of its priority', () => only(hosts, two))
  rmSync(`${flag}2`)
  await until('and gives them back', () => only(hosts, one))
  one.ip('link', 'set', 'eth0', 'down')
  await first.logged(/vrrp VI: fault[\s\S]*vrrp VI: fault/)
  await until('its device is down', () => has(two))
  one.ip('link', 'set', 'eth0', 'up')
  await until('it is up', () => only(hosts, one))
})

test('the instances of a group go together; programs and the pipe are told in keepalived’s words', async (t) => {
  const folder = folderOf(t)
  const hosts = linkOf(t, 'vg')
  const [one, two] = hosts
  const other = '10.0.0.101'
  const notes = join(folder, 'notes')
  const script = join(folder, 'notify')
  writeFileSync(script, `#!/bin/sh\necho "$@" >> ${notes}\n`, { mode: 0o755 })
  const config = (host, priority, more = {}) => {
    const base = configOf(
      folder,
      host,
      { priority, notify: { any: script } },
      { groups: { G: { instances: ['VI', 'VI6'], notify: { any: script } } } },
    )
    base.vrrp.instances.VI6 = {
      interface: 'eth0',
      vrid: 52,
      advert_interval: '100ms',
      priority,
      addresses: [`${other}/24`],
      ...more,
    }
    return base
  }
  const pipe = join(folder, 'pipe')
  const mine = config(one, 150, { track: { interfaces: ['dummy0'] } })
  mine.vrrp.notify_fifo = pipe
  one.ip('link', 'add', 'dummy0', 'type', 'bridge')
  one.ip('link', 'add', 'd1', 'type', 'veth', 'peer', 'name', 'd2')
  one.batch('link set d1 master dummy0 up\nlink set d2 up\nlink set dummy0 up')
  const first = await sluicedOf(t, one, mine)
  const reader = new Service(one, 'cat', pipe)
  t.after(() => reader.end('SIGKILL'))
  await sluicedOf(t, two, config(two, 100))
  const both = (which) => only(hosts, which) && only(hosts, which, other)
  await until('the first has both', () => both(one))
  one.ip('link', 'set', 'dummy0', 'down')
  await until('what one depends on, both do', () => both(two))
  one.ip('link', 'set', 'dummy0', 'up')
  await until('both come back', () => both(one))
  await until('the pipe', () => /GROUP "G" FAULT 150[\s\S]*GROUP "G" MASTER 150/.test(reader.output))
  assert.match(reader.output, /INSTANCE "VI" MASTER 150\n/)
  await until('the program', () => /^GROUP G FAULT 150$/m.test(readFileSync(notes, 'utf8')))
  assert.match(readFileSync(notes, 'utf8'), /^INSTANCE VI BACKUP 1\d0$/m)
  await first.stop()
  await until('and both go', () => both(two))
})

test('a main loop that is busy for seconds does not move the address', async (t) => {
  const folder = folderOf(t)
  const hosts = linkOf(t, 'vb')
  const [one, two] = hosts
  const config = configOf(folder, one, { priority: 150 })
  const first = await sluicedOf(t, one, config)
  const second = await sluicedOf(t, two, configOf(folder, two, { priority: 100 }))
  await until('the first has it', () => only(hosts, one))
  await until('the second is backup', () => /vrrp VI: backup/.test(second.output))
  const services = Object.fromEntries(
    Array.from({ length: 6000 }, (_, i) => [`s${i}`, { address: `10.9.${i >> 8}.${i & 255}`, port: 80 }]),
  )
  const big = join(folder, 'big.yaml')
  writeFileSync(big, JSON.stringify({ ...config, services }))
  const began = Date.now()
  const { status, stderr } = first.command('apply', '--dry-run', big)
  assert.equal(status, 0, stderr)
  t.diagnostic(`the daemon and its client were busy for ${Date.now() - began} ms; a backup waits ${300 + 61} ms`)
  assert.ok(only(hosts, one))
  assert.doesNotMatch(second.output, /vrrp VI: master/)
})

for (const version of [2, 3])
  test(`with keepalived, version ${version}: elected, handed over on stop and on kill, and back`, async (t) => {
    const folder = folderOf(t)
    const hosts = linkOf(t, `vl${version}`)
    const [one, two] = hosts
    const config = (priority) => configOf(folder, one, { priority, version, advert_interval: '1s' })
    const start = () => new Service(two, ...keepalived(two, { version, priority: 100 }))
    let theirs = start()
    t.after(() => theirs.end('SIGKILL'))
    await until('keepalived has it', () => only(hosts, two))
    const ours = await sluicedOf(t, one, config(150))
    await until('ours takes it', () => only(hosts, one))
    await ours.stop()
    await until('keepalived has it', () => only(hosts, two))
    await ours.start()
    await until('ours takes it again', () => only(hosts, one))
    ours.configure(config(50))
    ours.command('apply')
    await until('keepalived is worth more', () => only(hosts, two))
    await theirs.end('SIGKILL')
    await until('killed: ours has it, too', () => has(one))
    theirs = start()
    await until('keepalived is back', () => only(hosts, two))
  })

test('a download survives the way from one director to the other: connections are synchronized, and the daemons of it come back', async (t) => {
  const folder = folderOf(t)
  const [one, two, real, client] = linkOf(t, 'vc', 4)
  const web = new Nginx(real, 'web', 80)
  t.after(() => web.stop())
  await web.start()
  for (const scope of ['all', 'eth0']) {
    real.sysctl(`net/ipv4/conf/${scope}/arp_ignore`, 1)
    real.sysctl(`net/ipv4/conf/${scope}/arp_announce`, 2)
  }
  real.ip('address', 'add', `${VIP}/32`, 'dev', 'lo')
  const config = (host, priority) => ({
    ...configOf(
      folder,
      host,
      { priority },
      {
        services: { web: { address: VIP, port: 80, method: 'dr', servers: [{ address: '10.0.0.3' }] } },
      },
    ),
    sysctls: { sync_threshold: '1 3' },
    sync: { interface: 'eth0', id: 7 },
  })
  const first = await sluicedOf(t, one, config(one, 150))
  const second = await sluicedOf(t, two, config(two, 100))
  t.after(() => {
    for (const host of [one, two])
      for (const role of ['master', 'backup']) host.try(process.execPath, 'bin/ipvsadm', '--stop-daemon', role)
  })
  await until('the first has it', () => only([one, two], one))
  assert.deepEqual(
    first.health().sync.map(({ state, syncid }) => [state, syncid]),
    [
      ['master', 7],
      ['backup', 7],
    ],
  )
  assert.equal(one.try(process.execPath, 'bin/ipvsadm', '--stop-daemon', 'backup').status, 0)
  await until('what ended is started again', () => first.health().sync.length === 2)
  const download = new Service(
    client,
    'curl',
    '-sS',
    '-o',
    '/dev/null',
    '-w',
    '%{size_download}',
    `http://${VIP}/large`,
  )
  await until('the second knows the connection', () => {
    const listed = two.try(process.execPath, 'bin/ipvsadm', '-Lnc').stdout
    return / ESTABLISHED 10\.0\.0\.4:\d+ +10\.0\.0\.100:80/.test(listed)
  })
  await first.stop()
  await until('the second has it', () => only([one, two], two))
  assert.equal(await download.ended, 0, download.output)
  assert.equal(download.output, String(4 << 20))
  assert.match(second.output, /vrrp VI: master/)
})
