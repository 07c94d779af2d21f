#!/usr/bin/env node
// npm run bench:failover [-- OPTIONS]: the master of two directors is killed and loses its wires, over and over, beside
// open connections: how long nobody answers, with sluiced and with keepalived on the same hosts, wires and table.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { root } from '../scripts/lib/project.mjs'
import { runMain, SetupError, setUp } from '../scripts/lib/setup.mjs'
import { machine, machineLine } from './lib/machine.mjs'
import { spread } from './lib/statistics.mjs'

const usage = `usage: npm run bench:failover -- [OPTIONS]
  --times N         failovers of each (default 20)
  --connections N   open connections to redis (default 20)
  --only WHO        sluiced or keepalived
  --json            the result as JSON on standard output
  --help
Adverts every 100 ms. Writes the result to bench/out/failover.json.`

/** @param {string} line */
const say = (line) => process.stderr.write(`bench: ${line}\n`)

function options() {
  try {
    const { values } = parseArgs({
      options: {
        times: { type: 'string', default: '20' },
        connections: { type: 'string', default: '20' },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const [times, connections] = [Number(values.times), Number(values.connections)]
    if (!(Number.isInteger(times) && times >= 1 && times <= 1000)) throw new Error('--times is a whole number from 1')
    if (!(Number.isInteger(connections) && connections >= 1 && connections <= 1000))
      throw new Error('--connections is a whole number from 1 to 1000')
    if (values.only !== undefined && !['sluiced', 'keepalived'].includes(values.only))
      throw new Error('--only is sluiced or keepalived')
    return { ...values, times, connections }
  } catch (error) {
    throw new SetupError(`bench: ${error instanceof Error ? error.message.split('.')[0] : error}\n${usage}`)
  }
}

/** keepalived's own words for what sluice.yaml of the lab says of VRRP. */
const keepalivedConfig = (/** @type {number} */ priority, /** @type {string} */ vip, /** @type {string} */ gateway) => {
  const instance = (
    /** @type {string} */ name,
    /** @type {string} */ device,
    /** @type {number} */ id,
    /** @type {string} */ address,
  ) =>
    `vrrp_instance ${name} {
  state BACKUP
  interface ${device}
  virtual_router_id ${id}
  priority ${priority}
  advert_int 0.1
  preempt_delay 3
  virtual_ipaddress {
    ${address}/24 dev ${device}
  }
}
`
  return `global_defs {
  vrrp_version 3
}
vrrp_sync_group director {
  group {
    front
    back
  }
}
${instance('front', 'eth1', 51, vip)}${instance('back', 'eth0', 52, gateway)}`
}

await runMain(async () => {
  const { times, connections, only, json, help } = options()
  if (help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  await setUp({ command: 'npm run bench:failover', purposes: ['test'] })
  const { quietReporter, run } = await import(join(root, 'dist/lab/index.js'))
  const hosts = await import(join(root, 'dist/lab/topologies/ha-hosts.js'))
  const { watch } = await import(join(root, 'dist/lab/watch.js'))
  const { vip, gateway, rips } = hosts

  /** @type {Record<string, { start(director: any, priority: number): Promise<void> }>} */
  const kinds = {
    sluiced: { start: (director) => hosts.startDaemon(director) },
    keepalived: {
      async start(director, priority) {
        const { host } = director
        const path = (/** @type {string} */ name) => host.path(name)
        writeFileSync(path('keepalived.conf'), keepalivedConfig(priority, vip, gateway))
        // what it left when it was killed
        for (const name of ['keepalived.pid', 'vrrp.pid']) rmSync(path(name), { force: true })
        const servers = rips.map((/** @type {string} */ rip) => `ipvsadm -a -t ${vip}:6379 -r ${rip} -m`)
        await host.must('/bin/sh', '-ec', [`ipvsadm -A -t ${vip}:6379 -s wlc`, ...servers].join('\n'))
        for (const role of ['master', 'backup'])
          await host.must('ipvsadm', '--start-daemon', role, '--mcast-interface', 'eth0', '--syncid', '1')
        const files = ['-f', path('keepalived.conf'), '-p', path('keepalived.pid'), '-r', path('vrrp.pid')]
        director.daemon = await host.start('keepalived', 'keepalived', '-n', '-l', '-D', '-P', ...files)
      },
    },
  }

  const results = []
  for (const [name, { start }] of Object.entries(kinds)) {
    if (only && only !== name) continue
    /** @type {{ gapMs: number, longestWaitMs: number, broken: number, opened: number }[]} */
    const failovers = []
    const topology = {
      name: 'ha',
      title: `failover with ${name}`,
      programs: ['nginx', 'curl', 'redis-server', 'redis-cli', ...(name === 'keepalived' ? ['keepalived'] : [])],
      async build(/** @type {any} */ lab) {
        const { farm } = await hosts.buildHaFarm(lab)
        const { internet, one, two } = farm
        const holds = async (/** @type {any} */ { host }) =>
          (await host.shell('ip -brief -4 address show eth1')).output.includes(`${vip}/`)
        const until = async (/** @type {string} */ what, /** @type {() => Promise<boolean>} */ ready) => {
          for (let left = 400; !(await ready()); left -= 1) {
            if (left === 0) throw new Error(`${name}: not within 20 s: ${what}`)
            await sleep(50)
          }
        }
        return async () => {
          await start(one, 150)
          await start(two, 100)
          await until('lvs1 alone is master', async () => (await holds(one)) && !(await holds(two)))
          await until(
            'redis answers',
            async () => (await internet.shell(`redis-cli -h ${vip} ping`)).output === 'PONG\n',
          )
          for (let i = 1; i <= times; i += 1) {
            const watching = await watch(internet, vip, 6379, connections)
            await hosts.die(farm, one)
            await until('lvs2 takes over', () => holds(two))
            await sleep(1000)
            const report = await watching.end()
            failovers.push(report)
            say(`${name}: failover ${i} of ${times}: ${report.gapMs} ms, ${report.broken} connections broke`)
            await hosts.boot(farm, one, () => start(one, 150))
            await until('lvs1 is master again', async () => (await holds(one)) && !(await holds(two)))
            await sleep(500)
          }
        }
      },
    }
    const outcome = await run(topology, {
      prefix: `bench-${name}`,
      reporter: { ...quietReporter(), progress: () => {} },
      signal: new AbortController().signal,
    })
    const failed = outcome.checks.find((/** @type {any} */ check) => !check.ok)
    if (failed) throw new Error(`${name}: ${failed.what}`)
    results.push({
      name,
      failovers: failovers.length,
      connections,
      broken: failovers.reduce((sum, { broken }) => sum + broken, 0),
      gapMs: spread(failovers.map(({ gapMs }) => gapMs)),
      longestWaitMs: spread(failovers.map(({ longestWaitMs }) => longestWaitMs)),
    })
  }
  const result = { machine: machine(), advertMs: hosts.ADVERT, results }
  mkdirSync(join(root, 'bench/out'), { recursive: true })
  writeFileSync(join(root, 'bench/out/failover.json'), `${JSON.stringify(result, null, 2)}\n`)
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  else {
    const range = (/** @type {import('./lib/statistics.mjs').Spread} */ { median, low, high }) =>
      `${Math.round(median)} (${low}–${high})`
    process.stdout.write(`${machineLine(result.machine)}\n\n`)
    const row = (/** @type {string[]} */ ...cells) =>
      process.stdout.write(`${cells.map((cell, i) => cell.padEnd([12, 11, 20, 30][i] ?? 0)).join('')}\n`)
    row('director', 'failovers', 'broken connections', 'nobody answered, ms', 'longest wait for an answer, ms')
    for (const { name, failovers, broken, gapMs, longestWaitMs } of results)
      row(name, String(failovers), `${broken} of ${failovers * connections}`, range(gapMs), range(longestWaitMs))
  }
  return 0
})
