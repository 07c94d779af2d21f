import type {
  DaemonState,
  ServerKey,
  ServerOptions,
  ServiceKey,
  ServiceOptions,
  SyncDaemonOptions,
  Timeouts,
} from '../ipvs/types.js'

/** What `-L` shows of services and servers; of several columns the first of this order wins. */
export interface TableView {
  readonly stats: boolean
  readonly rate: boolean
  readonly thresholds: boolean
  readonly persistentConn: boolean
  readonly tunInfo: boolean
  readonly exact: boolean
  readonly sort: boolean
  readonly numeric: boolean
}

/** What the command line says beside the command's name. */
interface Details {
  'add-service': { readonly service: ServiceKey; readonly options: ServiceOptions }
  'edit-service': { readonly service: ServiceKey; readonly options: ServiceOptions }
  'delete-service': { readonly service: ServiceKey }
  flush: unknown
  'add-server': { readonly service: ServiceKey; readonly server: ServerKey; readonly options: ServerOptions }
  'edit-server': { readonly service: ServiceKey; readonly server: ServerKey; readonly options: ServerOptions }
  'delete-server': { readonly service: ServiceKey; readonly server: ServerKey }
  list:
    | { readonly what: 'table'; readonly service?: ServiceKey; readonly view: TableView }
    | { readonly what: 'connections'; readonly view: TableView }
    | { readonly what: 'timeout' }
    | { readonly what: 'daemon' }
  zero: { readonly service?: ServiceKey }
  set: { readonly timeouts: Timeouts }
  'start-daemon': { readonly state: DaemonState; readonly options: SyncDaemonOptions }
  'stop-daemon': { readonly state: DaemonState }
  restore: unknown
  save: { readonly numeric: boolean; readonly thresholds: boolean }
  help: unknown
  version: unknown
}

/** A command by its name. */
export type CommandOf<N extends keyof Details> = { readonly name: N } & Details[N]

/** A command line, understood. */
export type Command = { [N in keyof Details]: CommandOf<N> }[keyof Details]
