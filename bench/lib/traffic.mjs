// The load: wrk for connections and requests, iperf3 for one stream.
import { join } from 'node:path'
import { root } from '../../scripts/lib/project.mjs'
import { BULK } from './datapaths.mjs'
import { runLong, sleep } from './process.mjs'
import { cores, within } from './topology.mjs'

/** @typedef {import('./datapaths.mjs').Datapath} Datapath */
/** @typedef {import('./topology.mjs').Path} Path */
/** @typedef {{ value: number, errors: number }} Sample */

/**
 * @typedef {object} Measurement
 * @property {string} id
 * @property {string} name
 * @property {string} unit
 * @property {(datapath: Datapath, path: Path, seconds: number) => Promise<Sample>} measure
 */

/** Open connections of each load generator: enough that its core always has work. */
const CONNECTIONS = 32

/**
 * One wrk on each core that a server has too, so that where things run is the same in every measurement.
 * @param {'all' | 'first'} close which requests end their connection
 * @returns {Measurement['measure']}
 */
const wrk = (close) => async (datapath, path, seconds) => {
  const addresses = datapath.http(path)
  const settings = [
    `SLBENCH_ADDRESSES=${addresses.join(' ')}`,
    `SLBENCH_CONNECTIONS=${CONNECTIONS}`,
    `SLBENCH_CLOSE=${close}`,
  ]
  const load = ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', join(root, 'bench/lib/load.lua')]
  const results = await Promise.all(
    cores.map(async (core) => {
      const pinned = ['env', ...settings, 'taskset', '-c', String(core)]
      const argv = within('client', ...pinned, ...load, `http://${addresses[0]}/`)
      const out = await runLong(argv, { timeout: (seconds + 30) * 1000 })
      return JSON.parse(out.trim().split('\n').at(-1) ?? '')
    }),
  )
  return {
    value: results.reduce((sum, { requests, microseconds }) => sum + requests / (microseconds / 1e6), 0),
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
  }
}

/** @type {Measurement['measure']} */
async function iperf3(datapath, path, seconds) {
  const target = ['-c', datapath.bulk(path), '-p', String(BULK)]
  const argv = within('client', 'iperf3', ...target, '-t', String(seconds), '-O', '1', '-A', cores.join(), '-J')
  for (let tries = 20; ; tries--) {
    const { error, end } = JSON.parse(await runLong(argv, { timeout: (seconds + 30) * 1000 }))
    if (error === undefined) return { value: end.sum_received.bits_per_second / 1e9, errors: 0 }
    // the server takes a moment to end the test before, and closes its socket for a part of it
    if (tries === 0 || !/busy|refused/.test(error)) throw new Error(`iperf3 through ${datapath.name}: ${error}`)
    await sleep(250)
  }
}

/** @type {readonly Measurement[]} */
export const measurements = [
  { id: 'connections', name: 'new connections', unit: '/s', measure: wrk('all') },
  { id: 'requests', name: 'requests, kept alive', unit: '/s', measure: wrk('first') },
  { id: 'stream', name: 'one TCP stream', unit: 'Gbit/s', measure: iperf3 },
]
