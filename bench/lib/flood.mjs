// A flood of SYNs of spoofed sources, bounded and between namespaces, while real clients come.
import { join } from 'node:path'
import { root } from '../../scripts/lib/project.mjs'
import { removeTable } from './datapaths.mjs'
import { atEnd, run, runLong } from './process.mjs'
import { build, within } from './topology.mjs'

/**
 * @typedef {object} Flood
 * @property {number} table connections that it is made for
 * @property {number} rate spoofed SYNs a second
 * @property {number} clients that came
 * @property {number} served
 * @property {number} medianMs until the server's answer
 * @property {number} slowestMs
 * @property {number} evicted half-open connections that made room
 * @property {number} full packets dropped because the table was full
 */

const TABLE = 4096
const SECONDS = 8
const SPOOFED = '100.64.0.0/10'

/** @param {import('./topology.mjs').Path} path @param {number} rate @returns {Promise<Flood>} */
async function flood({ director, vip }, rate) {
  const command = (/** @type {string[]} */ ...words) => run(within(director, process.execPath, ...words))
  const status = () => JSON.parse(command(join(root, 'bin/sluice'), 'status', '--json'))
  const link = (/** @type {string} */ host, /** @type {string} */ device) =>
    JSON.parse(run(within(host, 'ip', '-json', 'link', 'show', device)))[0]
  const { ifindex, address } = link('client', 'c0')
  const before = status()
  const client = join(root, 'bench/lib/flood-client.mjs')
  const words = [String(ifindex), address, link(director, 'out').address, vip, String(rate), String(SECONDS)]
  const got = JSON.parse(await runLong(within('client', process.execPath, client, ...words), { timeout: 60_000 }))
  const after = status()
  const more = (/** @type {'events' | 'drops'} */ kind, /** @type {RegExp} */ name) =>
    Object.entries(after[kind])
      .filter(([key]) => name.test(key))
      .reduce((sum, [key, value]) => sum + value - (before[kind][key] ?? 0), 0)
  return { table: TABLE, ...got, evicted: more('events', /evicted/i), full: more('drops', /full/i) }
}

/** @returns {Promise<Flood[]>} */
export async function floods() {
  const [path] = await build(['flood'])
  if (!path) throw new Error('no path')
  const { director, vip, servers } = path
  atEnd(() => removeTable(director))
  // answers to the spoofed sources leave as they would, and are lost at the client
  run(within(director, 'ip', 'route', 'add', SPOOFED, 'via', vip.replace(/1$/, '2')))
  for (const [i, server] of ['web1', 'web2'].entries())
    run(within(server, 'ip', 'route', 'add', SPOOFED, 'via', /** @type {string} */ (servers[i]).replace(/2$/, '1')))
  const ipvsadm = within(director, process.execPath, join(root, 'bin/ipvsadm'))
  const env = { SLUICE_CONNECTIONS: String(TABLE) }
  run([...ipvsadm, '-A', '-t', `${vip}:80`, '-s', 'rr'], { env })
  for (const server of servers) run([...ipvsadm, '-a', '-t', `${vip}:80`, '-r', `${server}:80`, '-m'])
  /** @type {Flood[]} */
  const rows = []
  for (const rate of [0, 1000, 5000]) rows.push(await flood(path, rate))
  return rows
}
