import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Fd, loadObject, objGet, objPin } from '../../kernel/index.js'
import { sections } from '../layouts.js'
import { explainLoadFailure, loaderConstants } from '../load.js'
import { readObject } from '../object.js'
import { pin } from '../pins.js'
import type { Table } from '../table.js'

/**
 * The fast path's program over a table's maps, loaded and pinned beside them where it is not yet: who has no XDP pays
 * nothing for it. The caller holds the table's lock.
 *
 * @returns a descriptor, to be closed by the caller.
 * @throws SluiceError SLUICE_NOT_ROOT, SLUICE_KERNEL_TOO_OLD, SLUICE_NO_OBJECT
 */
export function openFastProgram(table: Table): Fd {
  const path = join(table.directory, pin.programFast)
  if (existsSync(path)) return objGet(path)
  pinFastProgram(table.mapFds(), table.generation, path)
  return objGet(path)
}

/** Loads the fast path's program of a generation over its maps, by name, and pins it. */
export function pinFastProgram(reuse: Readonly<Record<string, Fd>>, generation: number, path: string): void {
  let loaded: ReturnType<typeof loadObject>
  try {
    loaded = loadObject(readObject('xdp'), {
      name: 'xdp',
      reuse,
      sections: { [sections.rodataLoader.name]: loaderConstants(generation) },
    })
  } catch (error) {
    throw explainLoadFailure(error)
  }
  try {
    objPin(loaded.progFd('sluice_xdp'), path)
  } finally {
    loaded.close()
  }
}
