// The control plane's speed: measured in a namespace without wires.
import { join } from 'node:path'
import { root } from '../../scripts/lib/project.mjs'
import { removeTable } from './datapaths.mjs'
import { atEnd, runLong } from './process.mjs'
import { addHost, within } from './topology.mjs'

/** @param {string} what @param {number} count */
async function inside(what, count) {
  const host = addHost(`${what}${count}`)
  atEnd(() => removeTable(host))
  const script = join(root, 'bench/lib/inside.mjs')
  return JSON.parse(await runLong(within(host, process.execPath, script, what, String(count)), { timeout: 180_000 }))
}

/**
 * @param {number} times
 * @returns {Promise<Record<'node' | 'ipvsadm' | 'difference', import('./statistics.mjs').Spread>>} milliseconds
 */
export const startUp = (times) => inside('startup', times)

/**
 * @param {number} edits
 * @returns {Promise<Record<'edits' | 'addService' | 'addServer' | 'editServer' | 'list' | 'deleteServer' | 'deleteService', number>>} a second
 */
export const library = (edits) => inside('library', edits)

/**
 * Single edits, by how many services there are.
 * @returns {Promise<({ services: number } & Record<'editServer' | 'addServer' | 'addService', import('./statistics.mjs').Spread>)[]>} microseconds
 */
export const singleEdits = async () => [await inside('edits', 10), await inside('edits', 10_000)]
