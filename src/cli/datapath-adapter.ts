import { rmSync } from 'node:fs'
import {
  type AskedMode,
  attachDevices,
  checkDevices,
  detachDevices,
  openOrCreateTable,
  openTable,
  reapDeadTables,
  removeTable,
  type Status,
  type Table,
  status as tableStatus,
} from '../datapath/index.js'
import { SluiceError } from '../errors.js'

export type { AskedMode }

/** Runs work on the table while no other command edits it. */
function locked<T>(open: () => Table | undefined, none: T, work: (table: Table) => T): T {
  for (;;) {
    const table = open()
    if (!table) return none
    try {
      const held = table.lock('exclusive')
      try {
        // another version may have taken over while the lock was waited for
        if (table.exists()) return work(table)
      } finally {
        held.release()
      }
    } finally {
      table.close()
    }
  }
}

/**
 * Attaches the datapath; no device named: to every one that it can use.
 * @returns the status of the devices that it stands at
 * @throws SluiceError `SLUICE_NO_DEVICE`, `SLUICE_BAD_DEVICE`, `SLUICE_NO_XDP`, `SLUICE_XDP_TAKEN`, and what loading throws
 */
export function attach(
  devices: readonly string[],
  options: { readonly mode: AskedMode; readonly fix: boolean },
): Status['devices'] {
  reapDeadTables()
  const chosen = devices.length > 0 ? devices : undefined
  const table = openTable()
  // what is refused makes no table
  if (table) table.close()
  else checkDevices(chosen, options)
  const results = locked(openOrCreateTable, [], (each) => attachDevices(each, chosen, options))
  const names = results.map((result) => result.device)
  return tableStatus().devices.filter(({ device }) => names.includes(device))
}

/**
 * Detaches the datapath from the devices named, or from all; with `flush` the table goes too.
 * @returns the devices that it stood at
 * @throws SluiceError `SLUICE_NOT_ATTACHED`
 */
export function detach(devices: readonly string[], { flush }: { readonly flush: boolean }): string[] {
  reapDeadTables()
  return locked(flush ? openOrRemove : openTable, [], (table) => {
    const left = detachDevices(table, devices.length > 0 ? devices : undefined)
    if (flush) removeTable(table)
    return left
  })
}

/** The table; one that another version made, which only its removal can help, is removed instead. */
function openOrRemove(): Table | undefined {
  try {
    return openTable()
  } catch (error) {
    if (!SluiceError.is(error) || error.code !== 'SLUICE_LAYOUT') throw error
    rmSync(String(error.details.path), { recursive: true })
    return undefined
  }
}

/** What is attached in this network namespace, the kernel, the counters. */
export const status = (): Status => tableStatus()
