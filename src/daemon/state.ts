import type { DesiredService } from './desired.js'
import { readIfThere, replaceFile } from './files.js'

/** A server that is to get no new connections, of one service or of all. */
export interface Drain {
  readonly address: string
  /** Absent: any. */
  readonly port?: number
  /** Name of the service; absent: any. */
  readonly service?: string
  /** Epoch milliseconds. */
  readonly since: number
  /** Epoch milliseconds at which what is left of its connections ends; absent: never. */
  readonly until?: number
}

/** What a daemon has to know after a restart, however it ended. */
export interface DaemonState {
  /** What was last applied, by the service's name: these services are the daemon's own. */
  readonly services: ReadonlyMap<string, DesiredService>
  readonly drains: readonly Drain[]
  /** Services that were just being edited: found in a file after a crash. */
  readonly editing: readonly string[]
}

const FORMAT = 1

/** @returns nothing where there is no file, or none that can be understood: then what is in the table is adopted */
export function readState(path: string): DaemonState {
  try {
    const found = JSON.parse(readIfThere(path) ?? 'null', revive) as { format?: number } & DaemonStateFile
    if (found?.format === FORMAT)
      return { services: new Map(found.services), drains: found.drains, editing: found.editing ?? [] }
  } catch {
    // one that is not whole was never renamed to this name: it is somebody else's
  }
  return { services: new Map(), drains: [], editing: [] }
}

interface DaemonStateFile {
  readonly services: [string, DesiredService][]
  readonly drains: Drain[]
  readonly editing?: string[]
}

export function writeState(path: string, { services, drains, editing }: DaemonState): void {
  replaceFile(path, `${JSON.stringify({ format: FORMAT, services: [...services], drains, editing }, flatten)}\n`)
}

const flatten = (_: string, value: unknown) => (value instanceof Set ? { set: [...value] } : value)

function revive(_: string, value: unknown): unknown {
  const set = (value as { set?: unknown[] } | null)?.set
  return Array.isArray(set) && typeof value === 'object' ? new Set(set) : value
}
