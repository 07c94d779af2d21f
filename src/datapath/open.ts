import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import { lock } from '../kernel/index.js'
import { createTable, LOADING_MS, type LoadOptions } from './load.js'
import { besideOf, ensurePinRoot, pinName, pinRoot } from './pins.js'
import { Table } from './table.js'
import { finishUpgrade } from './upgrade.js'

/**
 * This namespace's table, or undefined where none has been made yet. What an upgrade left undone that was killed is done
 * first.
 * @throws SluiceError SLUICE_LAYOUT
 */
export function openTable(): Table | undefined {
  const directory = join(pinRoot(), pinName())
  // someone who holds the lock is just upgrading it, or waits for nothing of ours
  if (existsSync(besideOf(directory))) finish(directory, 0)
  const table = Table.open()
  if (!table || table.exists()) return table
  table.close()
  finish(directory, LOADING_MS)
  return Table.open()
}

function finish(directory: string, timeoutMs: number): void {
  try {
    const held = lock(pinRoot(), 'exclusive', { timeoutMs })
    try {
      finishUpgrade(directory)
    } finally {
      held.release()
    }
  } catch (error) {
    if (timeoutMs > 0 || !SluiceError.is(error) || error.code !== 'SLUICE_LOCKED') throw error
  }
}

/** This namespace's table, made if there is none. */
export function openOrCreateTable(options?: LoadOptions): Table {
  const open = openTable()
  if (open) return open
  const held = lock(ensurePinRoot(), 'exclusive', { timeoutMs: LOADING_MS })
  try {
    return Table.open() ?? Table.at(createTable(options))
  } finally {
    held.release()
  }
}
