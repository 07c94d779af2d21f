import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SluiceError } from '../errors.js'
import { netnsCookie } from '../kernel/index.js'

const base = '/run/sluice'

interface Stamped<T> {
  readonly version: 1
  /** What another boot recorded describes nothing that is still there. */
  readonly boot: string
  /** Inode of the network namespace, by which others find the file of a namespace that is about to go. */
  readonly inode: number
  readonly value: T
}

const boot = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
const code = (error: unknown) => (error as NodeJS.ErrnoException).code

/**
 * What a command changed in this network namespace, kept in `/run/sluice/KIND/COOKIE.json` so that the command that undoes it
 * knows. Written before the change. The file is named by the namespace's cookie, which is never given twice until reboot;
 * inode numbers are.
 */
export class NamespaceState<T> {
  private readonly path: string

  constructor(kind: 'realserver' | 'director') {
    this.path = join(base, kind, `${netnsCookie().toString(16)}.json`)
  }

  /** Undefined when nothing is recorded for this namespace. */
  load(): T | undefined {
    try {
      const found = JSON.parse(readFileSync(this.path, 'utf8')) as Stamped<T>
      return found.boot === boot() ? found.value : undefined
    } catch (error) {
      if (code(error) === 'ENOENT') return undefined
      throw error
    }
  }

  /** @throws SluiceError `SLUICE_NOT_ROOT` */
  save(value: T): void {
    const stamped: Stamped<T> = { version: 1, boot: boot(), inode: statSync('/proc/self/ns/net').ino, value }
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o755 })
      writeFileSync(`${this.path}.${process.pid}`, JSON.stringify(stamped))
      renameSync(`${this.path}.${process.pid}`, this.path)
    } catch (error) {
      if (code(error) !== 'EACCES') throw error
      throw new SluiceError('SLUICE_NOT_ROOT', { what: 'change addresses and kernel parameters' }, { cause: error })
    }
  }

  delete(): void {
    rmSync(this.path, { force: true })
    removeEmpty(dirname(this.path))
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
    rmdirSync(base)
  } catch {
    // something of another namespace is in it, or it is gone already
  }
}

/** Forgets what was recorded for a namespace that is about to be deleted: there will be nothing to undo. */
export function forgetNamespace(name: string): void {
  const { ino } = statSync(join('/run/netns', name))
  for (const kind of ['realserver', 'director']) {
    const folder = join(base, kind)
    let entries: string[] = []
    try {
      entries = readdirSync(folder).filter((entry) => entry.endsWith('.json'))
    } catch {
      continue
    }
    for (const entry of entries) {
      const path = join(folder, entry)
      if ((JSON.parse(readFileSync(path, 'utf8')) as Stamped<unknown>).inode === ino) rmSync(path, { force: true })
    }
    removeEmpty(folder)
  }
}
