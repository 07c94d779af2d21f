// sluiced with real servers: the table follows their health and the configuration, and packets outlive the daemon.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { attachDecap, detachDecap } from '../../dist/datapath/index.js'
import { daemonCapabilities } from '../../dist/install/layout.js'
import { netnsCookie } from '../../dist/kernel/index.js'
import { Farm, PORT, server, VIP, VIP2 } from '../lib/farm.mjs'
import { until } from '../lib/host.mjs'
import { Namespace, wire } from '../lib/netns.mjs'
import { bin } from '../lib/pair.mjs'
import { get, Nginx, Service, Sluiced } from '../lib/sluiced.mjs'

const quick = { interval: '100ms', timeout: '500ms', rise: 1, fall: 2 }

const farmOf = async (t, role, servers, options = {}) => {
  const farm = new Farm({ role, servers, ...options })
  const web = farm.servers.map((host, i) => new Nginx(host, `s${i + 1}`, PORT))
  t.after(async () => {
    await Promise.all(web.map((each) => each.stop()))
    await farm.close()
  })
  await Promise.all(web.map((each) => each.start()))
  return { farm, web }
}

/** A daemon that does not outlive its test. */
const sluicedOf = (t, farm, config) => {
  const sluiced = new Sluiced(farm.host, config)
  t.after(() => sluiced.stop('SIGKILL'))
  return sluiced.start()
}

const servers = (count, more = {}) => Array.from({ length: count }, (_, i) => ({ address: server(i + 1), ...more }))

const webService = (count, more = {}) => ({
  address: VIP,
  port: PORT,
  scheduler: 'rr',
  checks: ['page'],
  servers: servers(count),
  ...more,
})

/** Records of availability are the test's own. */
const records = mkdtempSync(join(tmpdir(), 'slt-availability-'))
after(() => rmSync(records, { recursive: true, force: true }))
let record = 0

const configOf = (services, more = {}) => {
  record += 1
  return {
    checks: { page: { kind: 'http', ...quick } },
    services,
    daemon: { availability: join(records, String(record)), ...more },
  }
}

const key = { protocol: 'tcp', address: VIP, port: PORT }

/** Addresses and weights in the table. */
const table = (farm, of = key) =>
  Object.fromEntries((farm.service(of)?.servers ?? []).toReversed().map(({ address, weight }) => [address, weight]))

test('a server comes in with its first success, goes when it dies, and comes back', async (t) => {
  const { farm, web } = await farmOf(t, 'h', 2)
  await web[1].stop()
  const sluiced = await sluicedOf(t, farm, configOf({ web: webService(2) }))
  await until('the living server is in', () => table(farm)[server(1)] === 1)
  assert.deepEqual(table(farm), { [server(1)]: 1 }, 'no server that never answered')
  await web[1].start()
  await until('the second one is in', () => Object.keys(table(farm)).length === 2)
  assert.deepEqual([get(farm.client, VIP, PORT), get(farm.client, VIP, PORT)].sort(), ['s1', 's2'])
  await web[0].stop()
  await until('the first one is out', () => !(server(1) in table(farm)))
  assert.equal(get(farm.client, VIP, PORT), 's2')
  assert.match(sluiced.output, /service web: server 198\.18\.1\.11:8000 is down: connection refused/)
  const { services } = sluiced.health()
  assert.equal(services[0].servers[0].health, 'down')
  assert.equal(services[0].servers[0].checks[0].outcome.reason, 'connection refused')
  assert.match(sluiced.command('health').stdout, /198\.18\.1\.12:8000 +up /)
  await web[0].start()
  await until('it is back', () => table(farm)[server(1)] === 1)
  const sla = JSON.parse(sluiced.command('sla', '--json', '--file', join(records, String(record))).stdout)
  assert.match(JSON.stringify(sla), /198\.18\.1\.11:8000/, 'its availability is accounted')
  assert.equal(await sluiced.stop(), 0)
  assert.equal(get(farm.client, VIP, PORT).length, 2, 'packets flow on without the daemon')
})

test('a failed server keeps its place with weight 0 where it is inhibited; a lost quorum calls the sorry server, and ends it', async (t) => {
  const { farm, web } = await farmOf(t, 'q', 3)
  const services = {
    web: webService(2, {
      inhibit_on_failure: true,
      quorum: { weight: 2 },
      sorry_server: { address: server(3) },
    }),
  }
  const sluiced = await sluicedOf(t, farm, configOf(services))
  await until('both serve', () => Object.values(table(farm)).join() === '1,1')
  assert.equal(sluiced.health().services[0].quorum, true)
  await web[0].stop()
  await until('the sorry server serves', () => table(farm)[server(3)] === 1)
  assert.deepEqual(table(farm), { [server(1)]: 0, [server(2)]: 0, [server(3)]: 1 })
  assert.equal(get(farm.client, VIP, PORT), 's3')
  assert.match(sluiced.command('health').stdout, /no quorum, the sorry server serves/)
  await web[0].start()
  await until('the quorum is back', () => Object.values(table(farm)).join() === '1,1')
  assert.match(sluiced.output, /quorum lost[\s\S]*quorum gained/)
})

test('a reload changes what is new, and touches nothing that stays; a mistake changes nothing', async (t) => {
  const { farm } = await farmOf(t, 'r', 2)
  const same = webService(2)
  const sluiced = await sluicedOf(t, farm, configOf({ web: same }))
  await until('both serve', () => Object.keys(table(farm)).length === 2)
  for (let i = 0; i < 3; i += 1) get(farm.client, VIP, PORT)
  const before = farm.service(key)
  const other = { ...webService(1), address: VIP2, servers: [{ address: server(2), weight: 7 }] }
  sluiced.configure(configOf({ web: same, other }))
  const dry = sluiced.command('apply', '--dry-run')
  assert.match(
    dry.stdout,
    /^service other\n {2}\+ place tcp 198\.18\.0\.101:8000\n[\s\S]*\+ server 198\.18\.1\.12:8000 nat, weight 7/,
  )
  assert.equal(sluiced.health().services.length, 1, 'a dry run is dry')
  assert.equal(sluiced.command('apply').status, 0)
  await until('the new one serves', () => table(farm, { ...key, address: VIP2 })[server(2)] === 7)
  const after = farm.service(key)
  assert.deepEqual(after.counters, before.counters, 'the one that stays has its counters')
  assert.equal(sluiced.command('apply').stdout, 'no change\n')

  sluiced.configure(
    configOf({ web: same, other: { ...other, servers: [{ address: 'nowhere' }] }, third: { port: 'x' } }),
  )
  const wrong = sluiced.command('apply')
  assert.equal(wrong.status, 1)
  assert.match(
    wrong.stderr,
    /^sluice: .*sluice\.yaml:1:\d+: services\.other\.servers\[0\]\.address: "nowhere" is no IP address/m,
  )
  assert.match(wrong.stderr, /services\.third\.port: "x" is no port/)
  sluiced.service.signal('SIGHUP')
  await sluiced.logged(/configuration refused, the running one stays/)
  assert.equal(sluiced.health().services.length, 2)

  sluiced.configure(configOf({ web: webService(1) }))
  sluiced.service.signal('SIGHUP')
  await until('what is gone from the file is gone from the table', () => !farm.service({ ...key, address: VIP2 }))
  assert.deepEqual(Object.keys(table(farm)), [server(1)])
})

test('what the table refuses leaves everything as it was', async (t) => {
  const { farm } = await farmOf(t, 'x', 1)
  const sluiced = await sluicedOf(t, farm, configOf({ web: webService(1) }))
  await until('it serves', () => table(farm)[server(1)] === 1)
  sluiced.configure(
    configOf({
      first: { ...webService(1), port: PORT + 1, scheduler: 'wrr' },
      web: { ...webService(1), local_addresses: ['203.0.113.9'], method: 'fullnat' },
    }),
  )
  const refused = sluiced.command('apply')
  assert.match(refused.stderr, /SLUICE_BAD_LOCAL_ADDRESS/)
  assert.equal(farm.service({ ...key, port: PORT + 1 }), undefined)
  assert.deepEqual(table(farm), { [server(1)]: 1 })
  assert.equal(get(farm.client, VIP, PORT), 's1')
})

test('another command’s edit is reported, and kept or repaired as configured; what is not the daemon’s is left alone', async (t) => {
  const { farm } = await farmOf(t, 'e', 3)
  const services = {
    kept: webService(2),
    mended: { ...webService(2), address: VIP2, on_edit: 'repair' },
  }
  const sluiced = await sluicedOf(t, farm, configOf(services))
  const mended = { ...key, address: VIP2 }
  await until('all serve', () => [key, mended].every((each) => Object.keys(table(farm, each)).length === 2))
  const foreign = { ...key, port: PORT + 5 }
  farm.edit((director) => {
    director.addService(foreign, { scheduler: 'rr' })
    for (const each of [key, mended]) {
      director.editServer(each, { address: server(1), port: PORT }, { method: 'masq', weight: 9 })
      director.addServer(each, { address: server(3), port: PORT }, { method: 'masq', weight: 3 })
    }
  })
  await sluiced.logged(
    /service kept: another command made an edit, which is kept: ~ server 198\.18\.1\.11:8000 weight 1 → 9/,
  )
  await sluiced.logged(/service mended: another command made an edit, which is repaired: \+ server 198\.18\.1\.13:8000/)
  await until('one is repaired', () => isDeepStrictEqual(table(farm, mended), { [server(1)]: 1, [server(2)]: 1 }))
  assert.deepEqual(table(farm), { [server(1)]: 9, [server(2)]: 1, [server(3)]: 3 }, 'the other one is kept')
  assert.ok(farm.service(foreign), 'a service of somebody else’s stays')
  assert.equal(sluiced.output.match(/service kept: another command/g).length, 2, 'each is told once')
})

test('killed at any moment: traffic flows on, and the next one takes over what it finds', async (t) => {
  const { farm } = await farmOf(t, 'k', 2)
  const sluiced = await sluicedOf(t, farm, configOf({ web: webService(2) }))
  await until('both serve', () => Object.keys(table(farm)).length === 2)
  const download = new Service(
    farm.client,
    'curl',
    '-sS',
    '-o',
    '/dev/null',
    '-w',
    '%{size_download}',
    `http://${VIP}:${PORT}/large`,
  )
  await until('the download runs', () => farm.connections().some(({ state }) => state === 'ESTABLISHED'))
  const before = farm.service(key)
  await sluiced.stop('SIGKILL')
  assert.deepEqual([get(farm.client, VIP, PORT), get(farm.client, VIP, PORT)].sort(), ['s1', 's2'])
  const again = await sluiced.start()
  assert.deepEqual(
    Object.keys(table(farm)),
    Object.keys(Object.fromEntries(before.servers.toReversed().map(({ address }) => [address]))),
  )
  assert.doesNotMatch(again.output, /another command|\+ server|- server|\+ tcp/, 'nothing that is right is changed')
  assert.equal(await download.ended, 0)
  assert.equal(download.output, String(4 << 20), 'no connection broke')
  assert.doesNotMatch(again.output, /another command/)
  // and again where the configuration is another one by now
  await again.stop('SIGKILL')
  sluiced.configure(configOf({ web: webService(1) }))
  await sluiced.start()
  await until('what is no longer configured is gone', () => !(server(2) in table(farm)))
  assert.equal(await sluiced.stop(), 0)
})

test('a drained server gets no new connections, keeps those that it has, and stays drained after a kill', async (t) => {
  const { farm } = await farmOf(t, 'd', 2)
  const sluiced = await new Sluiced(
    farm.host,
    configOf({ web: webService(2, { persistence: { timeout: '5m' } }) }),
  ).start()
  await until('both serve', () => Object.keys(table(farm)).length === 2)
  const bound = get(farm.client, VIP, PORT)
  const [drainedAddress, other] = bound === 's1' ? [server(1), 's2'] : [server(2), 's1']
  const download = new Service(
    farm.client,
    'curl',
    '-sS',
    '-o',
    '/dev/null',
    '-w',
    '%{size_download}',
    `http://${VIP}:${PORT}/large`,
  )
  await until('the download runs', () => farm.connections().some(({ state }) => state === 'ESTABLISHED'))
  const drained = sluiced.command('drain', drainedAddress, '--service', 'web')
  assert.equal(drained.status, 0, drained.stderr)
  assert.equal(table(farm)[drainedAddress], 0)
  assert.equal(get(farm.client, VIP, PORT), other, 'its template is released')
  assert.match(sluiced.command('health').stdout, new RegExp(`${drainedAddress}:8000 +up, draining`))
  await sluiced.stop('SIGKILL')
  await sluiced.start()
  assert.equal(sluiced.server('web', drainedAddress).drain.state, 'draining')
  assert.equal(table(farm)[drainedAddress], 0)
  assert.equal(await download.ended, 0)
  assert.equal(download.output, String(4 << 20))
  assert.match(sluiced.command('undrain', '198.18.1.99').stderr, /SLUICE_NO_DRAIN/)
  assert.match(sluiced.command('drain', '198.18.1.99').stderr, /SLUICE_NO_SERVER/)
  assert.equal(sluiced.command('undrain', drainedAddress).status, 0)
  await until('it serves again', () => table(farm)[drainedAddress] === 1)
  assert.equal(sluiced.command('drain', drainedAddress, '--timeout', '1s').status, 0)
  await until('what is left is cut off', () => !(drainedAddress in table(farm)))
  assert.equal(sluiced.server('web', drainedAddress).drain.state, 'drained')
  assert.equal(await sluiced.stop(), 0)
})

test('one check serves all services that ask the same; a script tells a weight; a server returns slowly', async (t) => {
  const { farm, web } = await farmOf(t, 'c', 2)
  const services = {
    web: webService(2, { servers: servers(2, { weight: 100 }), slow_start: '3s' }),
    twin: { ...webService(2), address: VIP2 },
    scripted: {
      ...webService(1),
      port: PORT + 1,
      checks: [{ kind: 'script', command: 'sh -c "exit 44"', dynamic_weight: true, ...quick }],
    },
  }
  const sluiced = await sluicedOf(t, farm, configOf(services))
  assert.equal(sluiced.health().checks, 3)
  await until('the script’s weight', () => table(farm, { ...key, port: PORT + 1 })[server(1)] === 42)
  await until('both serve', () => Object.values(table(farm)).join() === '100,100')
  await web[0].stop()
  await until('one is out', () => Object.keys(table(farm)).length === 1)
  await web[0].start()
  const first = await until('it returns', () => table(farm)[server(1)])
  assert.ok(first < 100, `slowly, beginning with ${first}`)
  await until('until it has its weight', () => table(farm)[server(1)] === 100)
})

test('one daemon a namespace; in the background it answers for itself', async (t) => {
  const { farm } = await farmOf(t, 'b', 1)
  const sluiced = await new Sluiced(farm.host, configOf({ web: webService(1) }, { on_stop: 'remove' })).start()
  const twin = new Service(farm.host, 'bin/sluiced', '--config', sluiced.file)
  assert.equal(await twin.ended, 1)
  assert.match(twin.output, /SLUICE_DAEMON_RUNS/)
  await until('it serves', () => table(farm)[server(1)] === 1)
  assert.equal(await sluiced.stop(), 0)
  assert.equal(farm.service(key), undefined, 'on_stop: remove')
  assert.match(sluiced.command('health').stderr, /SLUICE_NO_DAEMON/)
  const started = new Service(farm.host, 'bin/sluiced', '--config', sluiced.file)
  assert.equal(await started.ended, 0, started.output)
  const { pid } = sluiced.health()
  process.kill(pid, 'SIGTERM')
  await until('it ends', () => !existsSync(`/proc/${pid}`))
})

test('it tells systemd how it stands, with no more powers than its unit gives it', async (t) => {
  const { farm } = await farmOf(t, 'u', 1)
  const socket = join(records, 'notify')
  const listener = new Service(farm.host, process.execPath, 'test/lib/datagram-listener.mjs', socket)
  t.after(() => listener.end('SIGKILL'))
  await until('systemd listens', () => existsSync(socket))
  const sluiced = new Sluiced(farm.host, configOf({ web: webService(1) }))
  t.after(() => sluiced.stop('SIGKILL'))
  const powers = daemonCapabilities.map((name) => `+${name.toLowerCase()}`).join(',')
  sluiced.starter = [
    ...['setpriv', '--no-new-privs', '--bounding-set', `-all,${powers}`, '--inh-caps', '-all'],
    ...['env', `NOTIFY_SOCKET=${socket}`, 'WATCHDOG_USEC=600000'],
  ]
  await sluiced.start()
  await until('it serves', () => table(farm)[server(1)] === 1)
  await until('it is ready, and gives signs of life', () =>
    /READY=1\nSTATUS=1 services[\s\S]*WATCHDOG=1/.test(listener.output),
  )
  sluiced.service.signal('SIGHUP')
  await until('it reloads', () => /RELOADING=1\nMONOTONIC_USEC=\d+/.test(listener.output))
  assert.equal(await sluiced.stop(), 0)
  await until('it stops', () => /STOPPING=1/.test(listener.output))
})

test('a table without services is a new one: all is made, whatever is remembered of another; what others delete stays deleted', async (t) => {
  const { farm } = await farmOf(t, 'n', 1)
  const services = { web: webService(1), other: { ...webService(1), address: VIP2 } }
  const sluiced = await sluicedOf(t, farm, configOf(services))
  const at = { ...key, address: VIP2 }
  await until('both serve', () => table(farm)[server(1)] === 1 && table(farm, at)[server(1)] === 1)
  await sluiced.stop('SIGKILL')
  farm.edit((director) => director.flush())
  await sluiced.start()
  await until('both are there again', () => table(farm)[server(1)] === 1 && table(farm, at)[server(1)] === 1)
  await sluiced.stop('SIGKILL')
  farm.edit((director) => director.deleteService(at))
  await sluiced.start()
  await sluiced.logged(/service other: another command made an edit, which is kept: - tcp 198\.18\.0\.101:8000/)
  assert.equal(farm.service(at), undefined)
  assert.equal(table(farm)[server(1)], 1)
})

test('a device that comes later is attached within a second; where it was taken off all, none is', async (t) => {
  const { farm } = await farmOf(t, 'e', 1)
  const sluiced = await sluicedOf(t, farm, configOf({ web: webService(1) }))
  await until('it serves', () => table(farm)[server(1)] === 1)
  const late = new Namespace('late')
  t.after(() => late.remove())
  wire([late, 'eth0'], [farm.host, 'late0'])
  farm.host.batch('address add 10.77.0.1/24 dev late0')
  late.batch(`address add 10.77.0.2/24 dev eth0\nroute add ${VIP} via 10.77.0.1`)
  farm.servers[0].batch('route add 10.77.0.0/24 via 198.18.1.1')
  await sluiced.logged(/attached to the new device late0/)
  assert.equal(get(late, VIP, PORT), 's1')
  farm.host.run(process.execPath, bin('sluice'), 'detach')
  const later = new Namespace('later')
  t.after(() => later.remove())
  wire([later, 'eth0'], [farm.host, 'later0'])
  await new Promise((resolve) => setTimeout(resolve, 2500))
  assert.doesNotMatch(sluiced.output, /later0/)
})

test('what a daemon left in a namespace that is gone, the next one takes away, wherever it starts', async (t) => {
  const { farm } = await farmOf(t, 'g', 1)
  const gone = new Namespace('gone')
  const files = () => readdirSync('/run/sluice/daemon')
  const dead = new Sluiced(gone, configOf({ web: { address: VIP, port: PORT } }))
  await dead.start()
  const cookie = gone.within(() => netnsCookie().toString(16))
  await dead.stop('SIGKILL')
  const left = files().filter((name) => name.startsWith(`${cookie}.`))
  assert.ok(left.includes(`${cookie}.state.json`), left.join())
  const first = await sluicedOf(t, farm, configOf({ web: webService(1) }))
  assert.deepEqual(
    files().filter((name) => name.startsWith(`${cookie}.`)),
    left,
    'one that has its table is let be',
  )
  await first.stop()
  gone.vanish()
  await sluicedOf(t, farm, configOf({ web: webService(1) }))
  assert.deepEqual(
    files().filter((name) => name.startsWith(`${cookie}.`)),
    [],
  )
})

test('it ends with its namespace', async (t) => {
  const place = new Namespace('gone')
  t.after(() => place.remove())
  const sluiced = new Sluiced(place, configOf({}))
  t.after(() => sluiced.stop('SIGKILL'))
  await sluiced.start()
  place.vanish()
  assert.equal(await sluiced.service.ended, 0)
  assert.match(sluiced.output, /the network namespace is gone/)
})

for (const [family, method, over] of [
  ['IPv4', 'route', 'IPv4'],
  ['IPv6', 'route', 'IPv6'],
  ['IPv4', 'tunnel', 'IPv4'],
  ['IPv6', 'tunnel', 'IPv6'],
  ['IPv4', 'tunnel', 'IPv6'],
])
  test(`checks by the VIP, ${family} by ${method} over ${over}: seen down without the VIP or the tunnel's end, though the server answers`, async (t) => {
    const { farm } = await farmOf(t, 'v', 2, { method, family, over })
    const { VIP: vip, host: bits } = farm.wire
    const rip = (number) => farm.over.server(number)
    const datagrams = { port: PORT + 1, name: 's', address: vip }
    await Promise.all(farm.servers.map((host) => host.ask('listenUdp', datagrams)))
    const service = {
      address: vip,
      port: PORT,
      method: method === 'route' ? 'dr' : method,
      checks: ['tcp', 'page', 'datagram'],
      servers: [1, 2].map((number) => ({ address: rip(number) })),
    }
    const source = family === over ? {} : { source: farm.wire.director[1] }
    const config = configOf({ web: service })
    config.checks = {
      tcp: { kind: 'tcp', vip: true, ...quick, ...source },
      page: { kind: 'http', vip: true, ...quick, ...source },
      datagram: { kind: 'udp', vip: true, port: PORT + 1, payload: '?', require_reply: true, ...quick, ...source },
    }
    const sluiced = await sluicedOf(t, farm, config)
    const at = { ...key, address: vip }
    const inside = (...numbers) =>
      until(`in are ${numbers}\n${sluiced.output}`, () =>
        isDeepStrictEqual(Object.keys(table(farm, at)).sort(), numbers.map(rip)),
      )
    await inside(1, 2)
    const broken = farm.servers[1]
    const wire = method === 'route' ? [`address del ${vip}/${bits} dev lo`, `address add ${vip}/${bits} dev lo`] : []
    if (method === 'route') broken.batch(wire[0])
    else broken.within(() => detachDecap())
    await inside(1)
    assert.equal(get(farm.host, rip(2), PORT), 's2', 'which asking the server itself does not show')
    if (method === 'route') broken.batch(wire[1])
    else broken.within(() => attachDecap('eth0'))
    await until('it is back', () => Object.keys(table(farm, at)).length === 2)
    // a director that waits for the address asks the same
    farm.host.batch(`address del ${vip}/${bits} dev eth0`)
    if (method === 'route') broken.batch(wire[0])
    else broken.within(() => detachDecap())
    await inside(1)
    sluiced.configure(configOf({ web: { ...service, checks: [] } }))
    assert.equal(sluiced.command('apply').status, 0)
    assert.deepEqual(
      farm.edit((director) => director.services()).map((each) => each.key.address),
      [vip],
      'the ways are gone with the checks',
    )
    for (const each of ['-4', '-6']) assert.doesNotMatch(farm.host.ip(each, 'rule'), /5300/)
  })
