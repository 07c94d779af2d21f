import type { MarkRule } from './mark-rules.js'
import type { Sysctl } from './sysctls.js'
import type {
  Connection,
  DaemonState,
  ServerKey,
  ServerOptions,
  Service,
  ServiceKey,
  ServiceOptions,
  SyncDaemon,
  SyncDaemonOptions,
  Timeouts,
} from './types.js'

/** What is read of services; what is left out costs no time. */
export interface ServiceParts {
  /** Counters and rates; false: all are zero. Default: true. */
  readonly counts?: boolean
}

/**
 * One network namespace's table: the only interface that changes it. Every call is synchronous and short; edits take the
 * namespace's lock, so that two processes serialize. A refused edit throws {@link IpvsError} and changes nothing.
 */
export interface DirectorApi {
  /** Buckets of the connection table, for the `size=` of ipvsadm's first line. */
  readonly connectionTableSize: number

  addService(key: ServiceKey, options: ServiceOptions): void
  editService(key: ServiceKey, options: ServiceOptions): void
  deleteService(key: ServiceKey): void
  /** Deletes every service; connections and timeouts stay, as with IPVS. */
  flush(): void

  addServer(service: ServiceKey, server: ServerKey, options: ServerOptions): void
  editServer(service: ServiceKey, server: ServerKey, options: ServerOptions): void
  deleteServer(service: ServiceKey, server: ServerKey): void

  /** Several edits, done together: much faster than one by one. Others wait for them, so it must not wait for anything. */
  batch<T>(work: () => T): T

  /** All services, in the order in which they were added. */
  services(parts?: ServiceParts): Service[]
  service(key: ServiceKey): Service | undefined

  /** Sets the counters and rates of one service and its servers, or of all and the totals, to zero. */
  zero(key?: ServiceKey): void

  timeouts(): Timeouts
  /** Absent or 0 keeps a timeout. */
  setTimeouts(timeouts: Partial<Timeouts>): void

  /** The parameters `net.ipv4.vs.*`, in the order of their names. */
  sysctls(): Sysctl[]
  /**
   * Sets one of them; `key` with or without `net.ipv4.vs.`.
   * @throws SluiceError SLUICE_NO_SYSCTL, SLUICE_BAD_SYSCTL
   */
  setSysctl(key: string, value: string): void

  /** The rules by which packets get firewall marks, in their order: the first that fits a packet counts. */
  markRules(): MarkRule[]
  /**
   * Changes them: `change` gets those that there are and gives those that there are to be, which packets see at once.
   * @throws SluiceError SLUICE_BAD_MARK, SLUICE_FULL
   */
  editMarkRules(change: (rules: readonly MarkRule[]) => readonly MarkRule[]): void

  connections(): Connection[]

  /** The synchronization daemons that run, the master first. */
  daemons(): SyncDaemon[]
  /** @throws IpvsError ENODEV, EEXIST where one of that state runs, EINVAL where a tunnel leads to another family */
  startDaemon(state: DaemonState, options: SyncDaemonOptions): void
  /** @throws IpvsError ESRCH where none of that state runs */
  stopDaemon(state: DaemonState): void

  close(): void
}
