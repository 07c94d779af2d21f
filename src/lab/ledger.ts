import { randomUUID } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { SluiceError } from '../errors.js'
import { labsDirectory } from './paths.js'
import { isAlive, type ProcessIdentity, self } from './process.js'

export interface NamespaceRecord {
  readonly host: string
  /** Name below /run/netns. */
  readonly name: string
  /** What of Sluice may live in its kernel, which must go before the namespace does. */
  readonly datapath: 'table' | 'decapsulation' | null
}

export interface ProcessRecord extends ProcessIdentity {
  readonly host: string
  readonly command: string
}

/** Everything that a lab made or is about to make; written before each making, so that a crash leaves enough to clean up. */
export interface LabRecord {
  readonly version: 1
  readonly lab: string
  /** First part of the names of its namespaces; no two labs share one. */
  readonly prefix: string
  /** Written into each namespace (alias of its `lo`): the proof that this lab made it, which dies with the namespace. */
  readonly mark: string
  /** Process ids and namespaces of another boot are not ours. */
  readonly boot: string
  /** ISO 8601. */
  readonly created: string
  readonly phase: 'building' | 'up' | 'running' | 'removing'
  /** The process that works on it now. */
  readonly owner: ProcessIdentity | null
  /** Holds the hosts' homes; no other lab ever has this name. */
  readonly directory: string
  readonly namespaces: readonly NamespaceRecord[]
  readonly processes: readonly ProcessRecord[]
}

export const thisBoot = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

const code = (error: unknown) => (error as NodeJS.ErrnoException).code
const pathOf = (prefix: string) => join(labsDirectory, `${prefix}.json`)
const temporaryOf = (prefix: string, pid = process.pid) => join(labsDirectory, `${prefix}.${pid}.tmp`)

function read(path: string): LabRecord | undefined {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as LabRecord
    if (found.version !== 1) throw new Error(`version ${String(found.version)}`)
    return found
  } catch (error) {
    if (code(error) === 'ENOENT') return undefined
    throw new SluiceError('SLUICE_LAB_STATE', { path, reason: (error as Error).message }, { cause: error })
  }
}

/** The record of one lab, kept in a file that is always whole: it is replaced, never rewritten. */
export class Ledger {
  private constructor(private current: LabRecord) {}

  get record(): LabRecord {
    return this.current
  }

  /**
   * Opens the book of a new lab and takes its prefix.
   * @throws SluiceError `SLUICE_LAB_UP` when the prefix is taken.
   */
  static create(lab: string, prefix: string): Ledger {
    const id = randomUUID()
    const record: LabRecord = {
      version: 1,
      lab,
      prefix,
      mark: `sluice-lab:${prefix}:${id}`,
      boot: thisBoot(),
      created: new Date().toISOString(),
      phase: 'building',
      owner: self(),
      directory: join(labsDirectory, `${prefix}.${id}.d`),
      namespaces: [],
      processes: [],
    }
    const temporary = temporaryOf(prefix)
    try {
      mkdirSync(labsDirectory, { recursive: true, mode: 0o755 })
      writeFileSync(temporary, JSON.stringify(record))
    } catch (error) {
      if (code(error) === 'EACCES') throw new SluiceError('SLUICE_NOT_ROOT', { what: 'build a lab' }, { cause: error })
      throw error
    }
    try {
      linkSync(temporary, pathOf(prefix)) // fails where a lab has the prefix, and gives it a whole file where none has
    } catch (error) {
      if (code(error) === 'EEXIST') throw new SluiceError('SLUICE_LAB_UP', { lab, prefix }, { cause: error })
      throw error
    } finally {
      unlinkSync(temporary)
    }
    return new Ledger(record)
  }

  /** Undefined when no lab has the prefix. */
  static open(prefix: string): Ledger | undefined {
    const found = read(pathOf(prefix))
    return found && new Ledger(found)
  }

  /** Every lab that is up or has left something. */
  static all(): Ledger[] {
    let entries: string[]
    try {
      entries = readdirSync(labsDirectory)
    } catch {
      return []
    }
    return entries
      .filter((entry) => entry.endsWith('.json'))
      .sort()
      .map((entry) => read(join(labsDirectory, entry)))
      .filter((record) => record !== undefined)
      .map((record) => new Ledger(record))
  }

  /** True when what has been recorded was made since the machine started. */
  get ofThisBoot(): boolean {
    return this.current.boot === thisBoot()
  }

  /** The other process that works on the lab now. */
  get busyWith(): ProcessIdentity | undefined {
    const { owner } = this.current
    return owner && owner.pid !== process.pid && this.ofThisBoot && isAlive(owner) ? owner : undefined
  }

  /** True when the process that built, drove or removed it died at work, or the machine has started anew since. */
  get abandoned(): boolean {
    return !this.ofThisBoot || (this.current.phase !== 'up' && this.busyWith === undefined)
  }

  set(change: Partial<Pick<LabRecord, 'phase' | 'owner' | 'namespaces' | 'processes'>>): void {
    this.current = { ...this.current, ...change }
    const temporary = temporaryOf(this.current.prefix)
    writeFileSync(temporary, JSON.stringify(this.current))
    renameSync(temporary, pathOf(this.current.prefix))
  }

  addNamespace(namespace: NamespaceRecord): void {
    this.set({ namespaces: [...this.current.namespaces, namespace] })
  }

  addProcess(one: ProcessRecord): void {
    this.set({ processes: [...this.current.processes, one] })
  }

  removeProcess(one: ProcessIdentity): void {
    this.set({ processes: this.current.processes.filter(({ pid, start }) => pid !== one.pid || start !== one.start) })
  }

  /** Closes the book: nothing of the lab is left. Another lab that took the prefix meanwhile keeps its own. */
  delete(): void {
    const { prefix, mark } = this.current
    if (read(pathOf(prefix))?.mark === mark) rmSync(pathOf(prefix), { force: true })
    for (const entry of readdirSync(labsDirectory)) {
      const pid = entry.startsWith(`${prefix}.`) ? /^\.(\d+)\.tmp$/.exec(entry.slice(prefix.length))?.[1] : undefined
      if (pid && (Number(pid) === process.pid || !isRunning(Number(pid))))
        rmSync(join(labsDirectory, entry), { force: true })
    }
    for (const folder of [labsDirectory, dirname(labsDirectory)]) {
      try {
        rmdirSync(folder)
      } catch {
        return // another lab's records are in it
      }
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return code(error) === 'EPERM'
  }
}
