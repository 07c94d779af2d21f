#!/usr/bin/env node
// Drives real TCP and UDP through a director in network namespaces and records, or compares, which real server answered
// each connection and what ipvsadm then listed. See README.md beside this file.
import { spawn, spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { casesAsked } from './cases.mjs'
import { report } from './report.mjs'

/** A real server: says its name to every TCP connection and UDP datagram, on port 80. */
function server(name, address) {
  net
    .createServer((socket) => {
      socket.on('error', () => {})
      socket.write(`${name}\n`)
    })
    .listen(80, address)
  const udp = dgram.createSocket('udp4')
  udp.on('message', (_m, from) => udp.send(name, from.port, from.address))
  udp.bind(80, address)
}

/** The client: one JSON request a line on stdin, one JSON answer a line on stdout. */
function client() {
  const open = new Map()
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, op, from, fromPort, to, port = 80 } = JSON.parse(line)
    const answer = (value) => process.stdout.write(`${JSON.stringify({ id, value })}\n`)
    if (op === 'open') {
      let done = false
      const finish = (value) => {
        if (!done) {
          done = true
          answer(value)
        }
      }
      const socket = net.connect({ host: to, port, localAddress: from, localPort: fromPort })
      socket.setTimeout(4000, () => {
        if (!done) socket.destroy()
        finish('timeout')
      })
      socket.on('error', (error) => finish(error.code))
      socket.on('data', (data) => finish(String(data).trim()))
      open.set(id, socket)
    } else if (op === 'close') {
      const socket = open.get(id)
      open.delete(id)
      if (!socket || socket.destroyed) return answer('closed')
      socket.on('close', () => answer('closed'))
      socket.end()
    } else if (op === 'udp') {
      const socket = dgram.createSocket('udp4')
      const timer = setTimeout(() => {
        socket.close()
        answer('timeout')
      }, 4000)
      socket.on('message', (data) => {
        clearTimeout(timer)
        socket.close()
        answer(String(data))
      })
      socket.bind(fromPort ?? 0, from, () => socket.send('?', port, to))
    }
  })
}

function sh(line) {
  const got = spawnSync('bash', ['-c', line], { encoding: 'utf8', timeout: 60_000 })
  if (got.status !== 0) throw new Error(`${line}: ${got.stderr}`)
  return got.stdout
}

const prefix = process.env.GOLDEN_PREFIX ?? 'g'
const names = ['cli', 'lvs', 'rs1', 'rs2', 'rs3', 'rs4', 'sw'].map((name) => `${prefix}-${name}`)
const down = () => {
  for (const n of names) spawnSync('ip', ['netns', 'del', n])
}

/** Plugs `ns`'s interface `dev` into the switch's bridge `bridge`. */
const plug = (ns, dev, bridge, address, mac) =>
  sh(`
  ip link add ${dev} netns ${ns} type veth peer name ${ns}-${dev} netns ${prefix}-sw
  ip -n ${prefix}-sw link set ${ns}-${dev} master ${bridge}; ip -n ${prefix}-sw link set ${ns}-${dev} up
  ip -n ${ns} link set ${dev} ${mac ? `address ${mac}` : ''} up; ip -n ${ns} addr add ${address}/24 dev ${dev}`)

/** Client 192.168.10.200-219 — bridge outside — director .10.100 / .188.8 — bridge inside — real servers .188.81-84. */
function up() {
  down()
  for (const n of names.filter((n) => n !== `${prefix}-lvs`)) sh(`ip netns add ${n}; ip -n ${n} link set lo up`)
  for (const b of ['outside', 'inside'])
    sh(`ip -n ${prefix}-sw link add ${b} type bridge; ip -n ${prefix}-sw link set ${b} up`)
  plug(`${prefix}-cli`, 'eth0', 'outside', '192.168.10.200')
  for (let i = 201; i < 220; i += 1) sh(`ip -n ${prefix}-cli addr add 192.168.10.${i}/24 dev eth0`)
  for (const i of [1, 2, 3, 4]) {
    plug(`${prefix}-rs${i}`, 'eth0', 'inside', `192.168.188.8${i}`)
    sh(`ip -n ${prefix}-rs${i} route add default via 192.168.188.8`)
  }
}

/** A director with no history: its namespace anew, with the addresses, wires and link addresses that it had. */
async function director() {
  spawnSync('ip', ['netns', 'del', `${prefix}-lvs`])
  while (spawnSync('ip', ['-n', `${prefix}-sw`, 'link', 'show', `${prefix}-lvs-eth0`]).status === 0)
    await new Promise((resolve) => setTimeout(resolve, 50))
  sh(
    `ip netns add ${prefix}-lvs; ip -n ${prefix}-lvs link set lo up; ip netns exec ${prefix}-lvs sysctl -qw net.ipv4.ip_forward=1`,
  )
  plug(`${prefix}-lvs`, 'eth1', 'outside', '192.168.10.100', '02:00:00:00:0a:64')
  plug(`${prefix}-lvs`, 'eth0', 'inside', '192.168.188.8', '02:00:00:00:bc:08')
}

/** A sorted listing was sorted by the client's own ports, which differ from run to run: sorted again without them. */
const settle = (step, text) => (/\| *sort$/.test(step.line ?? '') ? text.split('\n').sort().join('\n') : text)

const scrub = (text) =>
  text
    .replace(/size=\d+/, 'size=N')
    .replace(/^(TCP|UDP) \d\d:\d\d/gm, '$1 MM:SS')
    .replace(/(192\.168\.10\.2\d\d):\d+/g, '$1:PORT')

async function main() {
  const [mode, file, ...tool] = process.argv.slice(2)
  if (!['record', 'compare'].includes(mode) || !file) {
    console.error('usage: traffic.mjs record|compare CASES.json [COMMAND THAT RUNS IPVSADM, default: ipvsadm]')
    process.exit(2)
  }
  const program = (tool.length > 0 ? tool : ['ipvsadm']).join(' ')
  const cases = casesAsked(file)
  const self = new URL(import.meta.url).pathname
  const children = []
  const start = (ns, ...args) => {
    const child = spawn('ip', ['netns', 'exec', ns, process.execPath, self, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    return child
  }
  const admin = (line) => {
    const got = spawnSync(
      'ip',
      ['netns', 'exec', `${prefix}-lvs`, 'bash', '-c', line.replace(/^ipvsadm/, `command ${program}`)],
      { encoding: 'utf8', timeout: 60_000 },
    )
    return scrub(got.stdout + got.stderr)
  }
  up()
  await director()
  for (const i of [1, 2, 3, 4]) start(`${prefix}-rs${i}`, 'server', `rs${i}`, `192.168.188.8${i}`)
  const agent = start(`${prefix}-cli`, 'client')
  const waiting = new Map()
  createInterface({ input: agent.stdout }).on('line', (line) => {
    const { id, value } = JSON.parse(line)
    waiting.get(id)?.(value)
    waiting.delete(id)
  })
  const ask = (request) =>
    new Promise((resolve) => {
      waiting.set(request.id, resolve)
      agent.stdin.write(`${JSON.stringify(request)}\n`)
    })
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  // the servers answer, straight through the director's plain routing, before the first case
  sh(`ip -n ${prefix}-cli route add 192.168.188.0/24 via 192.168.10.100`)
  for (const i of [1, 2, 3, 4]) {
    for (
      let n = 0;
      (await ask({ id: `w${i}.${n}`, op: 'open', to: `192.168.188.8${i}`, from: '192.168.10.200' })) !== `rs${i}`;
      n += 1
    ) {
      if (n > 60) throw new Error(`rs${i} does not answer`)
      await pause(500)
    }
  }
  const results = []
  const out = []
  for (const one of cases) {
    await director()
    const got = []
    for (const step of one.steps) {
      if (step.op === 'admin') got.push(admin(step.line))
      else if (step.op === 'sleep') {
        await pause(step.ms)
        got.push(null)
      } else got.push(await ask({ to: '192.168.10.100', from: '192.168.10.200', ...step }))
      if (step.op === 'close' || step.op === 'open') await pause(30)
    }
    for (const step of one.steps) if (step.op === 'open') await ask({ id: step.id, op: 'close' })
    out.push({ name: one.name, steps: one.steps.map((step, i) => ({ ...step, got: got[i] })) })
    if (mode === 'record') continue
    const bad = one.steps.findIndex((step, i) => settle(step, step.got) !== settle(step, got[i]))
    const answers = (rows) =>
      rows
        .filter((row) => row.op === 'open' || row.op === 'udp')
        .map((row) => row.got)
        .join(' ')
    const mine = one.steps.map((step, i) => ({ ...step, got: got[i] }))
    const detail = `step ${bad} ${JSON.stringify({ ...one.steps[bad], got: undefined })}\nwanted: ${one.steps[bad]?.got}\ngot:    ${got[bad]}\nall wanted: ${answers(one.steps)}\nall got:    ${answers(mine)}`
    results.push({ name: one.name, passed: bad < 0, detail: bad < 0 ? '' : detail })
  }
  for (const child of children) child.kill()
  down()
  if (mode === 'record') writeFileSync(file, `${JSON.stringify(out, null, 1)}\n`)
  process.exit(mode === 'record' ? 0 : report('traffic', results))
}

if (process.argv[2] === 'server') server(process.argv[3], process.argv[4])
else if (process.argv[2] === 'client') client()
else await main()
