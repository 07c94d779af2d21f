import type { DirectorApi } from '../ipvs/director-api.js'
import type { HostsDb } from './hosts-db.js'
import type { ServicesDb } from './services-db.js'

/** What the command reaches of the world: a process in earnest, plain values in tests. */
export interface Io {
  /** The table, opened when a command needs it first, and no more than once a run. */
  openDirector(): DirectorApi
  /** The next line of standard input without its line end, undefined at the end. */
  readLine(): string | undefined
  /** Is there another line to be had without waiting for it? */
  hasLine(): boolean
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly hosts: HostsDb
  readonly services: ServicesDb
}
