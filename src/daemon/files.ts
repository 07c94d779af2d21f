import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import { type Lock, lock, netnsCookie } from '../kernel/index.js'

/** Files of a daemon, of this boot: tables do not outlive it either. One set a network namespace. */
const directory = '/run/sluice/daemon'

export type DaemonFile = 'lock' | 'state.json' | 'sock' | 'log'

/** Where a daemon of this network namespace has a file. */
export const daemonFile = (kind: DaemonFile): string => join(directory, `${netnsCookie().toString(16)}.${kind}`)

export const makeDaemonFolder = (): void => {
  mkdirSync(directory, { recursive: true, mode: 0o755 })
}

/** Puts a file in place of another in one step: a reader, and a crash, find the old one or the new one. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: false })
  renameSync(`${path}.new`, path)
}

/** @returns undefined where there is none */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Removes files of namespaces that have no table and no daemon any more: nobody is told when a namespace goes, so the next
 * daemon does it, in any namespace.
 * @param standing cookies of namespaces that have a table, hexadecimal
 */
export function reapFiles(standing: ReadonlySet<string>): void {
  const own = netnsCookie().toString(16)
  const cookies = new Set(readdirSync(directory).map((name) => /^[0-9a-f]+(?=\.)/.exec(name)?.[0]))
  for (const cookie of cookies) {
    if (cookie === undefined || cookie === own || standing.has(cookie)) continue
    const held = tryLock(join(directory, `${cookie}.lock`))
    if (!held) continue
    for (const name of readdirSync(directory)) if (name.startsWith(`${cookie}.`)) removeFile(join(directory, name))
    held.release()
  }
}

/** One daemon a network namespace: the kernel lets go of the lock however it ends. Undefined: somebody has it. */
export function tryLock(path: string): Lock | undefined {
  for (;;) {
    closeSync(openSync(path, 'a', 0o600))
    try {
      const held = lock(path, 'exclusive', { timeoutMs: 100 })
      // what another daemon has reaped meanwhile locks nobody out
      if (existsSync(path)) return held
      held.release()
    } catch (error) {
      if (SluiceError.is(error) && error.code === 'SLUICE_LOCKED') return undefined
      throw error
    }
  }
}

export const removeFile = (path: string): void => rmSync(path, { force: true })

/** Where a daemon in the background writes its log, unless it is told another place. */
export function daemonLog(): string {
  makeDaemonFolder()
  return daemonFile('log')
}
