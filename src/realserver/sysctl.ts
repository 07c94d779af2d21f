import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'

const pathOf = (name: string) => join('/proc/sys', name.replaceAll('.', '/'))

/** Value of a kernel parameter of this network namespace, such as `net.ipv4.conf.lo.arp_ignore`. */
export const readSysctl = (name: string): string => readFileSync(pathOf(name), 'utf8').trim()

/** @throws SluiceError `SLUICE_NOT_ROOT`, `SLUICE_COMMAND` */
export function writeSysctl(name: string, value: string): void {
  try {
    writeFileSync(pathOf(name), value)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM')
      throw new SluiceError('SLUICE_NOT_ROOT', { what: `set ${name}` }, { cause: error })
    throw new SluiceError(
      'SLUICE_COMMAND',
      { command: `sysctl -w ${name}=${value}`, reason: message },
      { cause: error },
    )
  }
}

/** A parameter that was changed: what it was, and what it was set to. */
export interface ChangedSysctl {
  readonly name: string
  readonly previous: string
  readonly set: string
}

/**
 * Gives a parameter its previous value back, unless somebody has set it to something else since.
 * @returns a line about what was left as it is
 */
export function restoreSysctl({ name, previous, set }: ChangedSysctl): string | undefined {
  let now: string
  try {
    now = readSysctl(name)
  } catch {
    return undefined // its device is gone
  }
  if (now === set) writeSysctl(name, previous)
  else if (now !== previous) return `${name} is ${now} now, not the ${set} that was set: left as it is`
  return undefined
}
