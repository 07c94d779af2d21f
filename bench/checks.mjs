#!/usr/bin/env node
// npm run bench:checks [-- OPTIONS]: one sluiced that checks thousands of servers, each once a second, by TCP: does it keep
// up, what does it cost, and how long does an order wait.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { root } from '../scripts/lib/project.mjs'
import { runMain, SetupError, setUp } from '../scripts/lib/setup.mjs'
import { machine, machineLine } from './lib/machine.mjs'

const usage = `usage: npm run bench:checks [-- OPTIONS]
  --checks N      a second, each of another server (default 10000; at most 60000)
  --seconds N     of measurement (default 20)
  --json          the result as JSON on standard output
  --help
Writes the result to bench/out/checks.json.`

const PORT = 80
/** Of one service. */
const SERVERS = 100
const TICKS = 100 // USER_HZ

function options() {
  try {
    const { values } = parseArgs({
      options: {
        checks: { type: 'string', default: '10000' },
        seconds: { type: 'string', default: '20' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const [checks, seconds] = [Number(values.checks), Number(values.seconds)]
    if (!(Number.isInteger(checks) && checks >= SERVERS && checks <= 60_000 && checks % SERVERS === 0))
      throw new Error(`--checks is a multiple of ${SERVERS} up to 60000`)
    if (!(seconds >= 1 && seconds <= 3600)) throw new Error('--seconds is a number from 1 to 3600')
    return { ...values, checks, seconds }
  } catch (error) {
    throw new SetupError(`bench: ${error instanceof Error ? error.message.split('.')[0] : error}\n${usage}`)
  }
}

/** All servers are one process, which counts: started as `checks.mjs servers`. */
function serve() {
  let count = 0
  createServer((socket) => {
    count += 1
    socket.on('error', () => {})
  }).listen({ port: PORT, backlog: 4096 }, () => process.send?.('up'))
  process.on('message', () => process.send?.(count))
}

/** @param {number} i */
const address = (i) => `10.64.${i >> 8}.${i & 255}`

/** @param {number} checks @param {string} folder */
const configuration = (checks, folder) => ({
  daemon: { availability: join(folder, 'availability') },
  defaults: { checks: ['alive'] },
  checks: { alive: { kind: 'tcp', interval: '1s', timeout: '1s' } },
  services: Object.fromEntries(
    Array.from({ length: checks / SERVERS }, (_, s) => [
      `s${s}`,
      {
        address: '10.9.0.1',
        port: 1000 + s,
        servers: Array.from({ length: SERVERS }, (_, i) => ({ address: address(s * SERVERS + i), port: PORT })),
      },
    ]),
  ),
})

/** @param {number} pid Seconds of CPU that it has had. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** @param {readonly number[]} values @param {number} part */
const quantile = (values, part) =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? Number.NaN

/**
 * Asks the daemon.
 * @param {string} socketPath @param {string} path @param {object} body @returns {Promise<any>}
 */
const ask = (socketPath, path, body) =>
  new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method: 'POST' }, (response) => {
      /** @type {Buffer[]} */
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('end', () => resolve(JSON.parse(Buffer.concat(parts).toString())))
    })
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })

/** @param {string} socketPath @returns {Promise<number>} servers that are up; 0 where nobody answers yet */
async function serversUp(socketPath) {
  const answer = await ask(socketPath, '/v1/health', {}).catch(() => ({ services: [] }))
  const servers = answer.services.flatMap((/** @type {any} */ each) => each.servers)
  return servers.filter((/** @type {any} */ { health, weight }) => health === 'up' && weight === 1).length
}

async function bench() {
  const { checks, seconds, json, help } = options()
  if (help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  await setUp({ command: 'npm run bench:checks', purposes: ['test'] })
  const { Namespace, wire } = await import(join(root, 'test/lib/netns.mjs'))
  const { Service } = await import(join(root, 'test/lib/sluiced.mjs'))
  const before = machine()
  const [director, servers] = [new Namespace('bd'), new Namespace('bs')]
  const folder = mkdtempSync(join(tmpdir(), 'bench-checks-'))
  try {
    wire([director, 'eth0'], [servers, 'eth0'])
    director.batch('address add 10.9.0.1/24 dev eth0\nroute add 10.64.0.0/16 via 10.9.0.2')
    servers.batch('address add 10.9.0.2/24 dev eth0\nroute add local 10.64.0.0/16 dev lo')
    const self = fileURLToPath(import.meta.url)
    const farm = spawn('nsenter', [`--net=${servers.path}`, process.execPath, self, 'servers'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const heard = () => new Promise((resolve) => farm.once('message', resolve))
    const count = () => {
      const answer = heard()
      farm.send('count')
      return /** @type {Promise<number>} */ (answer)
    }
    await heard()
    const { netnsCookie } = await import(join(root, 'dist/kernel/index.js'))
    const cookie = director.within(() => netnsCookie().toString(16))
    const socketPath = `/run/sluice/daemon/${cookie}.sock`
    const file = join(folder, 'sluice.yaml')
    writeFileSync(file, JSON.stringify(configuration(checks, folder)))
    const sluiced = new Service(director, process.execPath, join(root, 'bin/sluiced'), '--foreground', '--config', file)
    try {
      const began = Date.now()
      while ((await serversUp(socketPath)) < checks) {
        if (Date.now() - began > 120_000)
          throw new Error(`after two minutes not all are up: ${sluiced.output.slice(-500)}`)
        await sleep(500)
      }
      const upMs = Date.now() - began
      await sleep(3000)
      const { pid } = await ask(socketPath, '/v1/health', {})
      const start = { count: await count(), cpu: cpuSeconds(pid), at: performance.now() }
      /** @type {number[]} */
      const waits = []
      while (performance.now() - start.at < seconds * 1000) {
        const asked = performance.now()
        // the shortest order that there is: the end of a drain that there is not
        await ask(socketPath, '/v1/undrain', { server: '192.0.2.1' })
        waits.push(performance.now() - asked)
        await sleep(50)
      }
      const lasted = (performance.now() - start.at) / 1000
      const result = {
        machine: before,
        checks,
        perSecond: ((await count()) - start.count) / lasted,
        cores: (cpuSeconds(pid) - start.cpu) / lasted,
        orderMs: { median: quantile(waits, 0.5), p99: quantile(waits, 0.99), longest: Math.max(...waits) },
        upMs,
        down: checks - (await serversUp(socketPath)),
      }
      mkdirSync(join(root, 'bench/out'), { recursive: true })
      writeFileSync(join(root, 'bench/out/checks.json'), `${JSON.stringify(result, null, 2)}\n`)
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
      else {
        const { perSecond, cores, orderMs, down } = result
        process.stdout.write(`${machineLine(before)}\n\n`)
        process.stdout.write(
          `${checks} servers, each checked once a second: ${Math.round(perSecond)} checks a second\n`,
        )
        process.stdout.write(
          `${cores.toFixed(2)} cores; ${down} servers down that are up; all were in ${(upMs / 1000).toFixed(1)} s after the start\n`,
        )
        const words = [orderMs.median, orderMs.p99, orderMs.longest].map((ms) => ms.toFixed(1))
        process.stdout.write(
          `an order is answered after ${words[0]} ms (99 %: ${words[1]} ms, longest: ${words[2]} ms)\n`,
        )
      }
    } finally {
      await sluiced.end()
      farm.kill()
    }
  } finally {
    director.remove()
    servers.remove()
    rmSync(folder, { recursive: true, force: true })
  }
  return 0
}

if (process.argv[2] === 'servers') serve()
else await runMain(bench)
