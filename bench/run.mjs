#!/usr/bin/env node
// npm run bench [-- OPTIONS]: what the datapath costs beside plain kernel routing, nftables and two proxies, in one run on this machine.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../scripts/lib/project.mjs'
import { runMain, SetupError, setUp } from '../scripts/lib/setup.mjs'
import { chart, scaleChart } from './lib/chart.mjs'
import { library, singleEdits, startUp } from './lib/control.mjs'
import { datapaths, sluiceConnections, sluiceState } from './lib/datapaths.mjs'
import { estimator } from './lib/estimator.mjs'
import { floods } from './lib/flood.mjs'
import { instructions, openings } from './lib/instructions.mjs'
import { machine } from './lib/machine.mjs'
import { atEnd, cleanUp } from './lib/process.mjs'
import { asMarkdown, asText } from './lib/report.mjs'
import { restores } from './lib/restore.mjs'
import { paired, spread } from './lib/statistics.mjs'
import { build, fetchUntil, removeLeftovers, whoAnswers } from './lib/topology.mjs'
import { measurements } from './lib/traffic.mjs'

const usage = `usage: npm run bench -- [OPTIONS]
  --rounds N        rounds of every measurement (default 5)
  --seconds N       seconds of one measurement (default 3)
  --instructions    count instructions a packet too, in a virtual machine with kernel IPVS beside (minutes)
  --only PARTS      of traffic,startup,library,estimator,edits,flood,runs,instructions,openings,restores (comma-separated)
  --json            the result as JSON on standard output
  --docs            put the result of a whole run, or of --only runs, into docs/performance.md and its pictures too
  --help
Writes the result to bench/out/ as bench.json, bench.md and bench.svg.`

const parts = [
  'traffic',
  'startup',
  'library',
  'estimator',
  'edits',
  'flood',
  'runs',
  'instructions',
  'openings',
  'restores',
]
/** Those in the virtual machine. */
const guests = ['instructions', 'openings', 'restores']
/** Parts that have a place of their own in docs/performance.md. */
const ownBlocks = ['runs']
const STARTUP_TIMES = 25
const LIBRARY_EDITS = 2000
const ESTIMATOR_PASSES = 50

/** @param {string} line */
const say = (line) => process.stderr.write(`bench: ${line}\n`)

function options() {
  const { values } = parse()
  const number = (/** @type {string} */ name, /** @type {string} */ text, /** @type {number} */ most) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new SetupError(`bench: --${name} is a whole number from 1 to ${most}`)
    return value
  }
  const only = values.only?.split(',')
  const unknown = only?.find((part) => !parts.includes(part))
  if (values.docs && only?.some((part) => !ownBlocks.includes(part)))
    throw new SetupError(`bench: --docs publishes a whole run, or --only of ${ownBlocks.join(',')}`)
  if (unknown !== undefined) throw new SetupError(`bench: no part "${unknown}": ${parts.join(', ')}`)
  return {
    help: values.help,
    json: values.json,
    docs: values.docs,
    rounds: number('rounds', values.rounds, 100),
    seconds: number('seconds', values.seconds, 60),
    wants: (/** @type {string} */ part) =>
      only ? only.includes(part) : !guests.includes(part) || (part === 'instructions' && values.instructions),
  }
}

function parse() {
  try {
    return parseArgs({
      options: {
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '3' },
        instructions: { type: 'boolean', default: false },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        docs: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new SetupError(`bench: ${error instanceof Error ? error.message.split('.')[0] : error}\n${usage}`)
  }
}

/** @typedef {{ datapath: import('./lib/datapaths.mjs').Datapath, path: import('./lib/topology.mjs').Path }} Lane */

/** Hosts, wires and datapaths, every one proved by requests. @returns {Promise<Lane[]>} */
async function lanes() {
  const paths = await build(datapaths.map(({ id }) => id))
  /** @type {Lane[]} */
  const ready = []
  for (const [i, datapath] of datapaths.entries()) {
    const path = /** @type {Lane['path']} */ (paths[i])
    datapath.setUp(path)
    await fetchUntil(`http://${datapath.http(path)[0]}/`)
    const servers = whoAnswers(datapath.http(path))
    if (servers.join() !== 'web1,web2') throw new Error(`${datapath.name}: answered by ${servers.join() || 'nobody'}`)
    ready.push({ datapath, path })
  }
  return ready
}

/**
 * @param {import('./lib/traffic.mjs').Measurement} measurement
 * @param {Lane[]} ready
 * @param {number} rounds
 * @param {number} seconds
 * @returns {Promise<import('./lib/report.mjs').Traffic>}
 */
async function compare({ id, name, unit, measure }, ready, rounds, seconds) {
  const samples = ready.map(() => /** @type {import('./lib/traffic.mjs').Sample[]} */ ([]))
  // a short one first, kept by nobody: caches, neighbours, the processor's clock
  for (const { datapath, path } of ready) await measure(datapath, path, 1)
  for (let round = 0; round < rounds; round++) {
    say(`${name}: round ${round + 1} of ${rounds}`)
    // each round begins one further on, so that none always follows the same one
    for (let turn = 0; turn < ready.length; turn++) {
      const i = (round + turn) % ready.length
      const { datapath, path } = /** @type {Lane} */ (ready[i])
      samples[i]?.push(await measure(datapath, path, seconds))
    }
  }
  const values = samples.map((list) => list.map(({ value }) => value))
  return {
    id,
    name,
    unit,
    rows: ready.map(({ datapath }, i) => ({
      id: datapath.id,
      name: datapath.name,
      value: spread(values[i] ?? []),
      ratio: paired(values[i] ?? [], values[0] ?? []),
      errors: (samples[i] ?? []).reduce((sum, { errors }) => sum + errors, 0),
    })),
  }
}

/** @param {number} rounds @param {number} seconds */
async function traffic(rounds, seconds) {
  const ready = await lanes()
  const ours = /** @type {Lane} */ (ready.find(({ datapath }) => datapath.id === 'sluice')).path
  const before = sluiceConnections(ours)
  /** @type {import('./lib/report.mjs').Traffic[]} */
  const results = []
  for (const measurement of measurements) results.push(await compare(measurement, ready, rounds, seconds))
  const after = sluiceConnections(ours)
  if (after <= before) throw new Error('no connection went through Sluice')
  return { ...sluiceState(ours), traffic: results }
}

/** @param {ReturnType<typeof options>} chosen @returns {Promise<import('./lib/report.mjs').Result>} */
async function measureAll({ rounds, seconds, wants }) {
  /** @type {import('./lib/report.mjs').Result} */
  const result = { machine: machine(), settings: { rounds, seconds }, attached: '', drops: {}, traffic: [] }
  removeLeftovers()
  if (wants('traffic')) Object.assign(result, await traffic(rounds, seconds))
  if (wants('startup')) {
    say(`start-up: ${STARTUP_TIMES} of each`)
    result.startUp = await startUp(STARTUP_TIMES)
  }
  if (wants('library')) {
    say(`library: ${LIBRARY_EDITS} edits of each kind`)
    result.library = await library(LIBRARY_EDITS)
  }
  if (wants('estimator')) {
    say(`estimator: ${ESTIMATOR_PASSES} passes of each`)
    result.estimator = estimator(ESTIMATOR_PASSES)
  }
  if (wants('runs')) {
    say('runs: nanoseconds a run, with tables of up to a million connections: some minutes')
    const { testRuns } = await import('./lib/test-runs.mjs')
    result.testRuns = testRuns()
  }
  if (wants('edits')) {
    say('edits: single ones, among 10 services and among 10,000')
    result.edits = await singleEdits()
  }
  if (wants('flood')) {
    say('flood: 8 s each of 0, 1,000 and 5,000 spoofed SYNs a second')
    result.floods = await floods()
  }
  if (wants('openings')) {
    say('openings: starting the virtual machine')
    result.openings = await openings()
  }
  if (wants('restores')) {
    say('restores: starting the virtual machine')
    result.restores = await restores()
  }
  if (wants('instructions')) {
    say('instructions: starting the virtual machine')
    // under emulation a boot may stand still; what was measured before is kept then
    result.instructions = await instructions().catch((error) => {
      say(`instructions: not counted: ${error.message}`)
      process.exitCode = 1
      return undefined
    })
  }
  return result
}

/** @param {import('./lib/report.mjs').Result} result */
function save(result) {
  const folder = join(root, 'bench/out')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'bench.json'), `${JSON.stringify(result, null, 2)}\n`)
  writeFileSync(join(folder, 'bench.md'), asMarkdown(result))
  if (result.traffic.length > 0 || result.instructions) writeFileSync(join(folder, 'bench.svg'), chart(result))
  if (result.testRuns) writeFileSync(join(folder, 'scale.svg'), scaleChart(result))
  say('written to bench/out: bench.json, bench.md, bench.svg')
}

/**
 * The page between its marks, and its pictures. What a whole run measured stands in one place, longer measurements in their own.
 * @param {import('./lib/report.mjs').Result} result
 */
function publish({ testRuns, ...result }) {
  const page = join(root, 'docs/performance.md')
  let text = readFileSync(page, 'utf8')
  const put = (/** @type {string} */ mark, /** @type {import('./lib/report.mjs').Result} */ some) => {
    const marked = new RegExp(`(<!-- ${mark} -->\n)[\\s\\S]*(<!-- /${mark} -->)`)
    if (!marked.test(text)) throw new Error(`${page} has no marks for ${mark}`)
    text = text.replace(marked, (_, start, end) => `${start}\n${asMarkdown(some)}\n${end}`)
  }
  const { machine, settings, attached, drops } = result
  if (testRuns) {
    const some = { machine, settings, attached, drops, traffic: [], testRuns }
    put('runs', some)
    writeFileSync(join(root, 'docs/scale.svg'), scaleChart(some))
  }
  if (result.traffic.length > 0) {
    put('bench', result)
    writeFileSync(join(root, 'docs/performance.svg'), chart(result))
  }
  writeFileSync(page, text)
  say('written to docs')
}

await runMain(async () => {
  const chosen = options()
  if (chosen.help) {
    console.log(usage)
    return 0
  }
  await setUp({ command: 'npm run bench', purposes: ['bench'] })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
    process.on(signal, () => {
      cleanUp()
      process.exit(128 + constants.signals[signal])
    })
  atEnd(() => say('cleaned up'))
  try {
    const result = await measureAll(chosen)
    save(result)
    if (chosen.docs) publish(result)
    console.log(chosen.json ? JSON.stringify(result, null, 2) : asText(result))
    return process.exitCode === 1 ? 1 : 0
  } catch (error) {
    throw new SetupError(`bench: ${error instanceof Error ? error.message : error}`)
  } finally {
    cleanUp()
  }
})
