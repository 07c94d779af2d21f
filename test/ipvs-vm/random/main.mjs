#!/usr/bin/env node
// The differential test, inside the virtual machine: random sequences on kernel IPVS and on Sluice, side by side, and the
// kept ones of ../found again. What differs is made as short as it can be and printed as a file to keep.
import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Farm } from './farm.mjs'
import { generate } from './generate.mjs'
import { Places, run } from './run.mjs'
import { shrink } from './shrink.mjs'

const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    sides: { type: 'string', default: 'kernel,sluice' },
    seconds: { type: 'string', default: '2700' },
    failures: { type: 'string', default: '5' },
    only: { type: 'string' },
    show: { type: 'string', multiple: true, default: [] },
    state: { type: 'boolean', default: false },
  },
})
/** The kernel shows counters as its estimator last saw them. */
const ESTIMATOR_MS = 2300
/** Sequences whose counters are listed together. */
const GROUP = 20

const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
const started = performance.now()
const elapsed = () => (performance.now() - started) / 1000

const kinds = values.sides.split(',')
const [left, right] = kinds[0] === kinds[1] ? ['one', 'other'] : kinds
const farms = [new Farm('ra', kinds[0]), new Farm('rb', kinds[1])]
console.log(`random: ${left} and ${right}, seed ${values.seed} (${elapsed().toFixed(0)} s to set up)`)

/** What each side says of each step. */
function both(sequence) {
  const places = new Places(sequence.family)
  return { places, outcomes: farms.map((farm) => run(farm, sequence, places)) }
}

const counters = () => farms.map((farm) => farm.admin(['-L -n --stats']).stdout)
const clear = () => {
  for (const farm of farms) farm.admin(['-C'])
}

/** Where two runs differ first, or undefined. */
function difference([a, b], steps) {
  const at = a.findIndex((outcome, i) => outcome !== b[i])
  if (at < 0) return undefined
  return { at, step: steps[at] ?? 'the last listing', [left]: a[at], [right]: b[at] }
}

/** A sequence alone, with its counters where they are what differs. */
function alone(sequence, withCounters) {
  const { places, outcomes } = both(sequence)
  const found = difference(outcomes, sequence.steps)
  if (found || !withCounters || !countable(sequence)) {
    clear()
    return found
  }
  pause(ESTIMATOR_MS)
  const shown = counters().map((text) => comparable(places.services(text), sequence))
  clear()
  return shown[0] === shown[1] ? undefined : { at: -1, step: 'counters', [left]: shown[0], [right]: shown[1] }
}

/**
 * With -Z, and when a server comes to a service that was made anew, the kernel forgets what its estimator saw last, which is
 * chance.
 */
const countable = ({ steps }) => !steps.some(({ lines = [] }) => lines.some((line) => /^-[ZD] /.test(`${line} `)))

/**
 * How many packets a transfer takes is chance, and whether an acknowledgement goes with the end that follows it or before it:
 * then connections alone are compared.
 */
const chancy = ({ steps }) => steps.some(({ op, how }) => op === 'talk' || ['client', 'server', 'half'].includes(how))
const comparable = (text, sequence) => (chancy(sequence) ? text.replace(/^( ?\S+ \S+ \d+) .*$/gm, '$1') : text)

let failures = 0
let once = 0
function failed(sequence, name, seen) {
  if (values.state) for (const farm of farms) console.log(farm.state())
  // what a busy machine sent late, or twice, does not happen again
  const found = alone(sequence, seen.at < 0) ?? alone(sequence, seen.at < 0)
  console.log(
    `random: ${name} differs${found ? '' : ' once, and not again'} at ${JSON.stringify(found ?? seen, null, 1)}`,
  )
  if (!found) {
    once += 1
    return
  }
  failures += 1
  const { sequence: least, found: last, tries } = shrink(sequence, (each) => alone(each, found.at < 0), found, 25_000)
  console.log(`random: made shorter in ${tries} runs, from ${sequence.steps.length} steps to ${least.steps.length}`)
  console.log(`random: found ${JSON.stringify({ name, ...least, difference: last })}`)
}

// sequences of files, step by step, for who looks for the reason of a difference
for (const file of values.show) {
  const sequence = JSON.parse(readFileSync(file, 'utf8'))
  console.log(`random: ${file}`)
  const [a, b] = both(sequence).outcomes
  for (const [i, step] of [...sequence.steps, 'the last listing'].entries()) {
    console.log(`random: ${JSON.stringify(step)}`)
    console.log(a[i] === b[i] ? `both: ${a[i]}` : `${left}: ${a[i]}\n${right}: ${b[i]}`)
  }
}
if (values.show.length > 0) {
  for (const farm of farms) farm.close()
  process.exit()
}

// those that were found before
const folder = new URL('../found/', import.meta.url)
const kept = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, ...JSON.parse(readFileSync(new URL(name, folder), 'utf8')) }))
let again = 0
for (const { name, ...sequence } of kept) {
  const found = alone(sequence, sequence.counters === true)
  if (found) failed(sequence, name, found)
  else again += 1
}
console.log(`random: ${again} of ${kept.length} kept sequences are the same on both sides`)

let done = 0
let steps = 0
const first = Number(values.only ?? values.seed)
const count = values.only === undefined ? Number(values.sequences) : 1
let group = []
function listGroup() {
  if (group.length === 0) return
  pause(ESTIMATOR_MS)
  const shown = counters()
  clear()
  for (const { sequence, places, name } of group) {
    const [a, b] = shown.map((text) => comparable(places.services(text), sequence))
    if (a !== b && failures < Number(values.failures))
      failed(sequence, name, { at: -1, step: 'counters', [left]: a, [right]: b })
  }
  group = []
}
for (let i = 0; i < count && failures < Number(values.failures) && elapsed() < Number(values.seconds); i += 1) {
  const seed = first + i
  const name = `seed-${seed}`
  const sequence = generate(seed)
  const { places, outcomes } = both(sequence)
  done += 1
  steps += sequence.steps.length
  const found = difference(outcomes, sequence.steps)
  if (found) {
    listGroup()
    failed(sequence, name, found)
  } else if (countable(sequence)) group.push({ sequence, places, name })
  if (group.length >= GROUP) listGroup()
}
listGroup()
for (const farm of farms) farm.close()
console.log(
  `random: seeds ${first} to ${first + done - 1}: ${done} sequences, ${steps} steps, ${failures} differ, ${once} differed once (${elapsed().toFixed(0)} s)`,
)
process.exitCode = failures === 0 ? 0 : 1
