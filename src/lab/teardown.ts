import { rmSync } from 'node:fs'
import { forgetNamespace } from '../realserver/index.js'
import { detachDatapath } from './detach.js'
import type { Ledger } from './ledger.js'
import { deleteNamespace, deleteUnfinished, findNamespace, namespaceInode } from './namespace.js'
import { endGroup, processesInNamespace } from './process.js'

/** What is left after a lab was taken down; both empty when nothing is. */
export interface Leftovers {
  /** Things with the lab's names that are not the lab's, and were left alone. */
  readonly foreign: string[]
  readonly warnings: string[]
}

/**
 * Removes exactly what the ledger names, in whatever state a crash left it: processes by id and start time, namespaces that
 * carry the lab's mark, the lab's directory, and last the ledger itself. May be called again after any failure.
 */
export async function tearDown(ledger: Ledger): Promise<Leftovers> {
  const { record } = ledger
  const left: Leftovers = { foreign: [], warnings: [] }
  if (ledger.ofThisBoot) await Promise.all(record.processes.map((one) => endGroup(one)))
  for (const { name, datapath } of record.namespaces) {
    const found = await findNamespace(name, record.mark)
    if (found === 'unfinished') deleteUnfinished(name)
    if (found === 'foreign') left.foreign.push(`network namespace ${name}`)
    if (found !== 'ours') continue
    if (datapath) {
      const problem = await detachDatapath(name, datapath)
      if (problem) left.warnings.push(`the datapath of ${name} may be left in the BPF file system: ${problem}`)
    }
    const inode = namespaceInode(name)
    forgetNamespace(name)
    await deleteNamespace(name)
    for (const { pid, name: program } of processesInNamespace(inode)) {
      left.warnings.push(`process ${pid} (${program}) still runs where ${name} was; the lab did not start it`)
    }
  }
  rmSync(record.directory, { recursive: true, force: true })
  ledger.delete()
  return left
}
