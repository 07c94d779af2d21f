import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { netnsCookie } from '../kernel/index.js'

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

export const removeFile = (path: string): void => rmSync(path, { force: true })

/** Where a daemon in the background writes its log, unless it is told another place. */
export function daemonLog(): string {
  makeDaemonFolder()
  return daemonFile('log')
}
