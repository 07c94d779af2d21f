import type { ServerKey, ServerOptions, ServiceKey, ServiceOptions, Timeouts } from '../ipvs/types.js'
import type { DaemonOptions } from './draft.js'

export type DaemonState = 'master' | 'backup'

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

/** A command line, understood. */
export type Command =
  | { readonly name: 'help' | 'version' | 'flush' | 'restore' }
  | { readonly name: 'add-service' | 'edit-service'; readonly service: ServiceKey; readonly options: ServiceOptions }
  | { readonly name: 'delete-service'; readonly service: ServiceKey }
  | {
      readonly name: 'add-server' | 'edit-server'
      readonly service: ServiceKey
      readonly server: ServerKey
      readonly options: ServerOptions
    }
  | { readonly name: 'delete-server'; readonly service: ServiceKey; readonly server: ServerKey }
  | { readonly name: 'list'; readonly what: 'table'; readonly service?: ServiceKey; readonly view: TableView }
  | { readonly name: 'list'; readonly what: 'connections'; readonly view: TableView }
  | { readonly name: 'list'; readonly what: 'timeout' }
  | { readonly name: 'list'; readonly what: 'daemon' }
  | { readonly name: 'zero'; readonly service?: ServiceKey }
  | { readonly name: 'set'; readonly timeouts: Timeouts }
  | { readonly name: 'start-daemon'; readonly state: DaemonState; readonly options: DaemonOptions }
  | { readonly name: 'stop-daemon'; readonly state: DaemonState; readonly syncid: number }
  | { readonly name: 'save'; readonly numeric: boolean }
