import type {
  ClientAddress,
  Family,
  ForwardingMethod,
  Protocol,
  SyncDaemonOptions,
  Timeouts,
  Tunnel,
} from '../ipvs/types.js'

/** What the options of one command line have said so far; each option's reader in the grammar fills its part. */
export interface Draft {
  family: Family
  protocol?: Protocol
  address?: string
  port: number
  fwmark?: number

  scheduler: string
  schedulerFlags?: string
  persistence?: number
  netmask?: string
  engine?: string
  onePacket: boolean
  timeouts?: Timeouts
  localAddresses?: readonly string[]

  server?: { family: Family; address: string; port: number }
  method: ForwardingMethod
  weight: number
  upperThreshold: number
  lowerThreshold: number
  clientAddress?: ClientAddress
  tunnel: Tunnel['type']
  tunnelPort?: number
  tunnelChecksum?: NonNullable<Tunnel['checksum']>

  daemon: DaemonOptions
}

/** Options of a synchronization daemon. */
export type DaemonOptions = { -readonly [K in keyof SyncDaemonOptions]: SyncDaemonOptions[K] }

export const emptyDraft = (): Draft => ({
  family: 'inet',
  port: 0,
  scheduler: '',
  onePacket: false,
  method: 'route',
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  tunnel: 'ipip',
  daemon: { interface: 'eth0' },
})
