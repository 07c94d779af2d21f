import type { DnsType, HttpCheckOptions, Rhythm, ScriptCheckOptions, Target, UdpCheckOptions } from '../checks/index.js'
import type {
  DaemonState,
  ServerKey,
  ServerOptions,
  ServiceKey,
  ServiceOptions,
  SyncDaemonOptions,
  Timeouts,
} from '../ipvs/types.js'
import type { AnnouncePlan } from '../vrrp/index.js'

/**
 * A configuration as it is meant: defaults filled in, names resolved, in the model's terms. Times are milliseconds, but for
 * those of the table (timeouts, persistence), which are seconds.
 */
export interface Config {
  readonly file: string
  readonly onStop: 'keep' | 'remove'
  /** Path of the record of availability. */
  readonly availability: string
  readonly timeouts: Partial<Timeouts>
  readonly sysctls: Readonly<Record<string, string>>
  /** In the order of the file. */
  readonly services: readonly ServicePlan[]
  /** What checks by a VIP need in the table. */
  readonly ways: readonly WayPlan[]
  readonly vrrp: VrrpPlan
  readonly sync: SyncPlan | undefined
}

export type OnEdit = 'keep' | 'repair'

export type Command = readonly [string, ...string[]]

export interface ServicePlan {
  readonly name: string
  readonly key: ServiceKey
  readonly options: ServiceOptions
  readonly servers: readonly ServerPlan[]
  /** Serves while there is no quorum. */
  readonly sorry: PlannedServer | undefined
  readonly quorum: { readonly weight: number; readonly hysteresis: number }
  /** No server is in the pool before its first success. */
  readonly alpha: boolean
  /** Milliseconds; 0: none. */
  readonly slowStart: number
  readonly onEdit: OnEdit
  readonly notify: { readonly quorumUp?: Command; readonly quorumDown?: Command }
}

export interface PlannedServer {
  readonly key: ServerKey
  readonly options: ServerOptions
}

export interface ServerPlan extends PlannedServer {
  readonly checks: readonly CheckPlan[]
  /** When it fails it keeps its place, with weight 0. */
  readonly inhibitOnFailure: boolean
  readonly notify: { readonly up?: Command; readonly down?: Command }
}

/** A service of a mark, with one server: the way to that very server, whatever the packets are addressed to. */
export interface WayPlan {
  readonly key: { readonly fwmark: number; readonly family: 'inet' | 'inet6' }
  readonly server: PlannedServer
}

/** What is asked, apart from where and how often. */
export type CheckQuestion =
  | { readonly kind: 'tcp' | 'ping' }
  | ({ readonly kind: 'http' } & HttpCheckOptions)
  | { readonly kind: 'grpc'; readonly service?: string; readonly tls?: boolean }
  | { readonly kind: 'dns'; readonly name?: string; readonly type?: DnsType }
  | { readonly kind: 'smtp'; readonly helo?: string }
  | ({ readonly kind: 'udp' } & UdpCheckOptions)
  | ({ readonly kind: 'script' } & ScriptCheckOptions)
  | { readonly kind: 'redis'; readonly user?: string; readonly password?: string }

export interface CheckPlan {
  /** The name that it has in the file, or its kind. */
  readonly name: string
  readonly question: CheckQuestion
  readonly rhythm: Rhythm
  readonly target: Target
}

export interface VrrpPlan {
  readonly instances: readonly InstancePlan[]
  readonly groups: readonly GroupPlan[]
  readonly scripts: readonly VrrpScriptPlan[]
  readonly notifyFifo: string | undefined
}

export interface NotifyPlan {
  readonly master?: Command
  readonly backup?: Command
  readonly fault?: Command
  readonly stop?: Command
  readonly any?: Command
}

/** Weight 0: without it the instance is in fault. */
export interface Tracked {
  readonly name: string
  readonly weight: number
}

export interface InstanceAddress {
  readonly address: string
  readonly prefix: number
  /** Default: the instance's. */
  readonly device?: string
  /** False: the adverts do not name it. */
  readonly advertised: boolean
}

export interface InstancePlan {
  readonly name: string
  readonly device: string
  readonly vrid: number
  readonly version: 2 | 3
  readonly priority: number
  readonly interval: number
  readonly preempt: boolean
  readonly preemptDelay: number
  readonly downAdverts: number
  readonly source: string | undefined
  readonly peers: readonly string[] | undefined
  readonly password: string | undefined
  readonly addresses: readonly InstanceAddress[]
  readonly announcements: AnnouncePlan
  readonly track: {
    readonly interfaces: readonly Tracked[]
    readonly scripts: readonly Tracked[]
    readonly services: readonly Tracked[]
  }
  readonly notify: NotifyPlan
}

export interface GroupPlan {
  readonly name: string
  readonly instances: readonly string[]
  readonly notify: NotifyPlan
}

export interface VrrpScriptPlan {
  readonly name: string
  readonly command: Command
  readonly interval: number
  readonly timeout: number
  readonly rise: number
  readonly fall: number
}

export interface SyncPlan {
  readonly roles: readonly DaemonState[]
  readonly options: SyncDaemonOptions
}
