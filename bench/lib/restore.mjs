// 10,000 services of four servers restored and listed by the real ipvsadm and by ours, in one virtual machine with kernel IPVS.
import { join } from 'node:path'
import { root } from '../../scripts/lib/project.mjs'
import { runLong } from './process.mjs'

/** @typedef {Record<'load' | 'real-restore' | 'real-list' | 'ours-restore' | 'ours-list' | 'ours-edit' | 'ours-edit-ten', number>} Restores seconds */

const LISTED = 50_003

/** @returns {Promise<Restores>} */
export async function restores() {
  if (/^\/(tmp|run)\//.test(`${root}/`)) throw new Error(`the virtual machine does not see ${root}: use another folder`)
  const command = `cd '${root}' && bench/lib/restore-guest.sh`
  const env = { IPVS_VM_MEM: '2000', IPVS_VM_TIMEOUT: '290' }
  const out = await runLong([join(root, 'test/ipvs-vm/run'), command], { timeout: 400_000, echo: true, env })
  const rows = [...out.matchAll(/^([a-z-]+) ([\d.]+) (\d+)$/gm)]
  for (const [, name, , lines] of rows)
    if (name?.endsWith('-list') && Number(lines) !== LISTED) throw new Error(`${name}: ${lines} lines`)
  return /** @type {Restores} */ (Object.fromEntries(rows.map(([, name, seconds]) => [name, Number(seconds)])))
}
