import { join } from 'node:path'
import { closeFd, linkInfo, lock, objGet } from '../kernel/index.js'
import { LOADING_MS } from './load.js'
import { listPins, pin, pinRoot, removePins, SCRATCH } from './pins.js'

/**
 * Removes the tables of namespaces that no longer exist, and what a crash left half made. Nobody is told when a
 * namespace goes, so whichever command comes next, in any namespace, does it.
 *
 * @returns how many tables were removed.
 */
export function reapDeadTables(): number {
  const root = pinRoot()
  const names = listPins(root)
  if (names.length === 0) return 0
  // others make tables under this lock, one after the other
  const held = lock(root, 'exclusive', { timeoutMs: LOADING_MS })
  let reaped = 0
  try {
    for (const name of names) {
      const directory = join(root, name)
      if (!name.startsWith(SCRATCH) && namespaceLives(directory)) continue
      removePins(directory)
      reaped += 1
    }
  } finally {
    held.release()
  }
  return reaped
}

/** Cookies, hexadecimal, of the namespaces that have a table. */
export const standingTables = (): ReadonlySet<string> => new Set(listPins(pinRoot()))

/** A link that lost its namespace reports the inode number 0. */
function namespaceLives(directory: string): boolean {
  let fd: number
  try {
    fd = objGet(join(directory, pin.netns))
  } catch (error) {
    // a table without this pin is not one that creation finished
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
  try {
    return linkInfo(fd).netns?.ino !== 0
  } finally {
    closeFd(fd)
  }
}
