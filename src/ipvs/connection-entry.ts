import type { Family, ForwardingMethod } from './types.js'

/**
 * A connection or template as directors tell it to each other: by addresses, not by what a table calls them. Addresses
 * have 4 or 16 bytes.
 */
export interface ConnectionEntry {
  readonly family: Family
  /** IP protocol number; of a firewall mark's template 0. */
  readonly protocol: number
  readonly template: boolean
  readonly clientAddress: Uint8Array
  readonly clientPort: number
  readonly virtualAddress: Uint8Array
  readonly virtualPort: number
  readonly serverAddress: Uint8Array
  readonly serverPort: number
  /** 0: the service is known by address. */
  readonly fwmark: number
  readonly method: ForwardingMethod
  /** Of a connection IPVS's number of the state, by protocol; of a template 1 once one of its connections worked. */
  readonly state: number
  readonly inactive: boolean
  /** No reply seen. */
  readonly noOutput: boolean
  /** Seconds that are left; of a template told anew, all that it has. Undefined: by the state. */
  readonly timeout?: number
}

/**
 * What became of an entry: `made`, `updated`; or not taken, because the table does not have its server (`no-server`), has
 * no room (`full`), has another connection in its place that goes on (`other`), or cannot hold its kind (`unsupported`).
 */
export type Insertion = 'made' | 'updated' | 'no-server' | 'full' | 'other' | 'unsupported'

/** A connection of the table at one moment, for whoever decides whether to tell it. */
export interface ConnectionSight {
  readonly family: 0 | 1
  /** The record's number, and which of its uses it is. */
  readonly id: number
  readonly generation: number
  readonly template: boolean
  readonly controlled: boolean
  readonly protocol: number
  readonly state: number
  readonly packets: number
  readonly timeout: number
  /** Another director told of it. */
  readonly told: boolean
}
