// Runs inside a namespace of its own: the time of commands and of library calls. `inside.mjs startup|library N` prints JSON.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { root } from '../../scripts/lib/project.mjs'
import { spread } from './statistics.mjs'

const { Director } = await import(join(root, 'dist/index.js'))

/** @param {number} n @returns {import('../../dist/index.js').ServiceKey} */
const key = (n) => ({ protocol: 'tcp', address: `198.18.${n >> 8}.${n & 255}`, port: 80 })
const server = { address: '198.19.0.2', port: 80 }

/** Milliseconds from start to end of a command. @param {string[]} args */
function timed(args) {
  const started = performance.now()
  const got = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const took = performance.now() - started
  if (got.status !== 0) throw new Error(`${args.join(' ')} ended with ${got.status}`)
  return took
}

/** Listing ten services of two servers, beside Node doing nothing, in turn. @param {number} times */
function startup(times) {
  const director = Director.open()
  for (let n = 1; n <= 10; n++) {
    director.addService(key(n), { scheduler: 'rr' })
    for (const port of [80, 81]) director.addServer(key(n), { ...server, port }, { method: 'masq', weight: 1 })
  }
  director.close()
  const commands = { node: ['-e', '0'], ipvsadm: [join(root, 'bin/ipvsadm'), '-Ln'] }
  for (const args of Object.values(commands)) timed(args)
  const rounds = Array.from({ length: times }, () => ({ node: timed(commands.node), ipvsadm: timed(commands.ipvsadm) }))
  return {
    node: spread(rounds.map((round) => round.node)),
    ipvsadm: spread(rounds.map((round) => round.ipvsadm)),
    difference: spread(rounds.map((round) => round.ipvsadm - round.node)),
  }
}

/** Edits a second through the library, each one under the table's lock, among `standing` services. @param {number} edits */
function library(edits) {
  const director = Director.open()
  director.addService(key(0), { scheduler: 'rr' })
  const rate = (/** @type {number} */ count, /** @type {(n: number) => void} */ edit) => {
    const started = performance.now()
    for (let n = 1; n <= count; n++) edit(n)
    return (count / (performance.now() - started)) * 1000
  }
  const masq = /** @type {const} */ ({ method: 'masq', weight: 1 })
  const result = {
    addService: rate(edits, (n) => director.addService(key(n), { scheduler: 'wlc' })),
    addServer: rate(edits, (n) => director.addServer(key(n), server, masq)),
    editServer: rate(edits, (n) => director.editServer(key(n), server, { ...masq, weight: 2 })),
    list: rate(5, () => director.services()) * edits, // services read a second
    deleteServer: rate(edits, (n) => director.deleteServer(key(n), server)),
    deleteService: rate(edits, (n) => director.deleteService(key(n))),
  }
  director.close()
  return { edits, ...result }
}

const EDITS = 100

/** Microseconds of single edits among so many services of four servers, each of another service. @param {number} services */
function edits(services) {
  const director = Director.open()
  const masq = /** @type {const} */ ({ method: 'masq', weight: 1 })
  for (let n = 1; n <= services; n++) {
    director.addService(key(n), { scheduler: 'rr' })
    for (const port of [80, 81, 82, 83]) director.addServer(key(n), { ...server, port }, masq)
  }
  // the same service twice in a row would wait for the packets that may still read its options before last
  const pause = new Int32Array(new SharedArrayBuffer(4))
  const times = (/** @type {(n: number) => void} */ edit) => {
    /** @type {number[]} */
    const list = []
    for (let i = 0; i < EDITS; i++) {
      Atomics.wait(pause, 0, 0, 2)
      const started = performance.now()
      edit(1 + Math.floor((i * services) / EDITS))
      list.push((performance.now() - started) * 1000)
    }
    return spread(list)
  }
  const result = {
    services,
    editServer: times((n) => director.editServer(key(n), server, { ...masq, weight: 2 })),
    addServer: times((n) =>
      director.addServer(key(n), { ...server, port: 1000 + Math.floor(Math.random() * 60000) }, masq),
    ),
    addService: times((n) =>
      director.addService({ ...key(n), port: 1000 + Math.floor(Math.random() * 60000) }, { scheduler: 'rr' }),
    ),
  }
  director.close()
  return result
}

const kinds = { startup, library, edits }
const [what, count] = process.argv.slice(2)
const measure = kinds[/** @type {keyof typeof kinds} */ (what)]
process.stdout.write(`${JSON.stringify(measure(Number(count)))}\n`)
