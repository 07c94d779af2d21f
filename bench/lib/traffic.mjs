// The load: wrk for connections and requests, iperf3 for one stream.
import { join } from 'node:path'
import { root } from '../../scripts/lib/project.mjs'
import { BULK } from './datapaths.mjs'
import { runLong, sleep } from './process.mjs'
import { within } from './topology.mjs'

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

/** Open connections of each thread: enough that both cores always have work. */
const CONNECTIONS = 32
const THREADS = 2

/** @param {'all' | 'first'} close which requests end their connection @returns {Measurement['measure']} */
const wrk = (close) => async (datapath, path, seconds) => {
  const addresses = datapath.http(path)
  const settings = [
    `SLBENCH_ADDRESSES=${addresses.join(' ')}`,
    `SLBENCH_CONNECTIONS=${CONNECTIONS}`,
    `SLBENCH_CLOSE=${close}`,
  ]
  const load = ['wrk', `-t${THREADS}`, `-c${THREADS * CONNECTIONS}`, `-d${seconds}s`]
  const script = join(root, 'bench/lib/load.lua')
  const argv = within('client', 'env', ...settings, ...load, '-s', script, `http://${addresses[0]}/`)
  const out = await runLong(argv, { timeout: (seconds + 30) * 1000 })
  const { requests, microseconds, errors } = JSON.parse(out.trim().split('\n').at(-1) ?? '')
  return { value: requests / (microseconds / 1e6), errors }
}

/** @type {Measurement['measure']} */
async function iperf3(datapath, path, seconds) {
  const target = ['-c', datapath.bulk(path), '-p', String(BULK)]
  // sender and receiver on a core each: left alone, the scheduler moves them, and a run is fast or slow by that
  const argv = within('client', 'iperf3', ...target, '-t', String(seconds), '-O', '1', '-A', '0,1', '-J')
  for (let tries = 20; ; tries--) {
    const { error, end } = JSON.parse(await runLong(argv, { timeout: (seconds + 30) * 1000 }))
    if (error === undefined) return { value: end.sum_received.bits_per_second / 1e9, errors: 0 }
    // the server takes a moment to end the test before
    if (tries === 0 || !/busy/.test(error)) throw new Error(`iperf3 through ${datapath.name}: ${error}`)
    await sleep(250)
  }
}

/** @type {readonly Measurement[]} */
export const measurements = [
  { id: 'connections', name: 'new connections', unit: '/s', measure: wrk('all') },
  { id: 'requests', name: 'requests, kept alive', unit: '/s', measure: wrk('first') },
  { id: 'stream', name: 'one TCP stream', unit: 'Gbit/s', measure: iperf3 },
]
