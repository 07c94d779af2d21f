// Virtual routers on a link: ours with ours, and ours with keepalived.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../lib/host.mjs'
import { keepalived as configureKeepalived, Link, VIP } from '../lib/link.mjs'

const agent = fileURLToPath(new URL('../lib/vrrp-agent.mjs', import.meta.url))

/** A process on a host that can be stopped in order, or killed. */
class Process {
  events = []
  output = ''

  constructor(host, program, args) {
    this.child = spawn('nsenter', [`--net=${host.path}`, program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.child.stderr.on('data', (data) => {
      this.output += data
    })
    let rest = ''
    this.child.stdout.on('data', (data) => {
      const lines = `${rest}${data}`.split('\n')
      rest = lines.pop()
      for (const line of lines) if (line.startsWith('{')) this.events.push(JSON.parse(line))
    })
    this.ended = once(this.child, 'exit')
    process.once('exit', () => this.child.kill('SIGKILL'))
  }

  async end(signal) {
    if (signal) this.child.kill(signal)
    else this.child.stdin.end()
    await this.ended
    return this.events.at(-1)
  }

  prioritize(priority) {
    this.child.stdin.write(String(priority))
  }
}

const VIP6 = 'fe80::100'
const ours = (host, more) =>
  new Process(host, process.execPath, [
    agent,
    JSON.stringify({
      name: host.name,
      device: 'eth0',
      vrid: 51,
      addresses: [{ address: VIP, prefix: 24 }],
      ...more,
    }),
  ])

function theirs(host, options) {
  const [program, ...args] = configureKeepalived(host, options)
  return new Process(host, program, args)
}

const has = (host, vip = VIP) => host.ip('-o', 'addr', 'show', 'dev', 'eth0').includes(` ${vip}/`)
const only = (hosts, which, vip = VIP) => hosts.every((host) => has(host, vip) === (host === which))

test('two of ours: the higher priority has the address, stopping hands it over, killing too, and the return takes it back', async (t) => {
  const link = new Link('a')
  t.after(() => link.remove())
  const hosts = [link.host(1), link.host(2)]
  const [one, two] = hosts
  const options = { version: 3, interval: 100 }
  let first = ours(one, { ...options, priority: 150 })
  const second = ours(two, { ...options, priority: 100 })
  await until('the first has it', () => only(hosts, one))
  await first.end()
  await until('the second has it', () => only(hosts, two))
  const state = first.events.filter(({ type }) => type === 'state').map((event) => event.state)
  assert.deepEqual(state, ['backup', 'master', 'stopped'])
  first = ours(one, { ...options, priority: 150 })
  await until('the first has it again', () => only(hosts, one))
  await first.end('SIGKILL')
  await until('the second has it, too: nobody took it from the dead', () => has(two))
  first = ours(one, { ...options, priority: 50 })
  await until('one that returns gives up what it was killed with', () => only(hosts, two))
  first.prioritize(200)
  await until('a raised priority preempts', () => only(hosts, one))
  const { sent, received, rejected } = await second.end()
  assert.ok(sent > 0 && received > 0)
  assert.deepEqual(rejected, {})
  await first.end()
})

test('the link is told: the neighbours know the new master’s link address at once', async (t) => {
  const link = new Link('n')
  t.after(() => link.remove())
  const [one, two, client] = [link.host(1), link.host(2), link.host(9)]
  const first = ours(one, { version: 3, interval: 100, priority: 150 })
  const second = ours(two, { version: 3, interval: 100, priority: 100 })
  await until('the first has it', () => has(one))
  client.run('ping', '-c1', '-W5', VIP)
  const mac = (host) => JSON.parse(host.ip('-json', 'link', 'show', 'eth0'))[0].address
  const known = () => JSON.parse(client.ip('-json', 'neigh', 'show', VIP))[0]?.lladdr
  assert.equal(known(), mac(one))
  await first.end()
  await until('the client knows', () => known() === mac(two))
  await second.end()
})

test('a split that heals: whoever is heard first, the link is told where the one is that stays', async (t) => {
  const link = new Link('h')
  t.after(() => link.remove())
  const [one, two, client] = [link.host(1), link.host(2), link.host(9)]
  const wires = (state) => {
    for (const port of ['p1', 'p2'])
      link.switch.ip('link', 'set', port, 'type', 'bridge_slave', 'isolated', state === 'cut' ? 'on' : 'off')
  }
  const first = ours(one, { version: 3, interval: 100, priority: 150 })
  const second = ours(two, { version: 3, interval: 100, priority: 100 })
  const mac = (host) => JSON.parse(host.ip('-json', 'link', 'show', 'eth0'))[0].address
  const known = () => JSON.parse(client.ip('-json', 'neigh', 'show', VIP))[0]?.lladdr
  await until('the first has it', () => only([one, two], one))
  client.run('ping', '-c1', '-W5', VIP)
  for (let i = 0; i < 10; i += 1) {
    wires('cut')
    await until('both have it, and the client knows the second', () => has(one) && known() === mac(two))
    // at any moment between two adverts
    await new Promise((resolve) => setTimeout(resolve, 11 * i))
    wires('whole')
    await until('the second gives way', () => only([one, two], one))
    await until('the client knows the first again', () => known() === mac(one))
  }
  const reports = first.events.filter(({ type }) => type === 'lower-priority-master')
  assert.ok(reports.length > 0)
  for (const each of [first, second]) await each.end()
})

for (const [what, options, vip] of [
  ['version 2', { version: 2 }],
  ['version 2, a password', { version: 2, authentication: { type: 'password', password: 'sluice' } }],
  ['version 3', { version: 3 }],
  ['version 3, IPv6', { version: 3, addresses: [{ address: VIP6, prefix: 64 }] }, VIP6],
  ['version 3, unicast', { version: 3, peers: ['10.0.0.2'] }],
]) {
  test(`with keepalived, ${what}: elected, handed over by stop, by kill and by priority, returned to, both ways`, async (t) => {
    const link = new Link('k')
    t.after(() => link.remove())
    const hosts = [link.host(1), link.host(2)]
    const [one, two] = hosts
    const { version } = options
    const seconds = version === 2 ? 1 : 0.2
    const mine = { ...options, interval: seconds * 1000 }
    const extra = [
      options.authentication ? 'authentication {\n auth_type PASS\n auth_pass sluice\n }' : '',
      options.peers ? 'unicast_src_ip 10.0.0.2\n unicast_peer {\n 10.0.0.1\n }' : '',
    ].join('\n')
    const say = (priority) => ({ version, priority, interval: seconds, extra, ...(vip ? { vip: `${vip}/64` } : {}) })
    const keepalived = (priority) => theirs(two, say(priority))
    const configure = (priority) => configureKeepalived(two, say(priority))
    let peer = keepalived(100)
    await until('keepalived alone has it', () => only(hosts, two, vip))
    let we = ours(one, { ...mine, priority: 150 })
    await until('we are worth more', () => only(hosts, one, vip))
    const heard = await we.end()
    assert.ok(heard.received > 0, JSON.stringify(heard))
    assert.deepEqual(heard.rejected, {}, 'its adverts verify')
    await until('we stopped', () => only(hosts, two, vip))
    we = ours(one, { ...mine, priority: 150 })
    await until('we returned', () => only(hosts, one, vip))
    await we.end('SIGKILL')
    await until('keepalived took over from the dead', () => has(two, vip))
    we = ours(one, { ...mine, priority: 50 })
    await until('we are worth less', () => only(hosts, two, vip))
    we.prioritize(150)
    await until('our priority is raised', () => only(hosts, one, vip))
    configure(200)
    peer.child.kill('SIGHUP')
    await until('theirs is raised above', () => only(hosts, two, vip))
    await peer.end('SIGTERM')
    await until('keepalived stopped', () => only(hosts, one, vip))
    peer = keepalived(200)
    await until('keepalived returned', () => only(hosts, two, vip))
    // the one that has the addresses first: its parent would have it stop in order
    const [worker] = readFileSync(`/proc/${peer.child.pid}/task/${peer.child.pid}/children`, 'utf8').split(' ')
    process.kill(Number(worker), 'SIGKILL')
    await peer.end('SIGKILL')
    await until('we took over from the dead', () => has(one, vip))
    peer = keepalived(250)
    await until('keepalived is back, and worth more', () => only(hosts, two, vip))
    const last = await we.end()
    assert.deepEqual(last.rejected, {})
    await peer.end('SIGTERM')
    assert.doesNotMatch(peer.output, /invalid|mismatch|bogus|error/i)
  })
}
