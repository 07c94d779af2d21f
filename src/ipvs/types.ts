/**
 * The model of a table: virtual services, their real servers, connections and timeouts.
 *
 * Field names are IPVS's; addresses are text (`192.168.10.100`, `fd00::1`), ports are numbers in host order,
 * times are seconds, counters are `bigint` because the kernel's are 64 bits wide.
 */

export type Protocol = 'tcp' | 'udp' | 'sctp'
export type Family = 'inet' | 'inet6'

/** A virtual service known by protocol, address and port. */
export interface AddressKey {
  readonly protocol: Protocol
  readonly address: string
  /** 0 takes every port and needs persistence. */
  readonly port: number
}

/** A virtual service known by a firewall mark. */
export interface MarkKey {
  readonly fwmark: number
  readonly family: Family
}

export type ServiceKey = AddressKey | MarkKey

export interface Persistence {
  /** Life of a template, seconds. */
  readonly timeout: number
  /** IPv4: a dotted mask; IPv6: a prefix length as text. Absent: a client is one address. */
  readonly netmask?: string
  /** Persistence engine, `sip` being the only one that IPVS has. */
  readonly engine?: string
}

/** The three scheduler flags by number; `sh-fallback` and `mh-fallback` are 1, `sh-port` and `mh-port` are 2. */
export type SchedulerFlags = ReadonlySet<1 | 2 | 3>

export interface ServiceOptions {
  readonly scheduler: string
  readonly schedulerFlags?: SchedulerFlags
  readonly persistence?: Persistence
  /** UDP only: every packet is scheduled, no connection is kept. */
  readonly onePacket?: boolean
  /** Its own in place of the table's. An edit keeps those that are absent; 0 gives the table's back. */
  readonly timeouts?: Partial<Timeouts>
  /** Full NAT: addresses of the director by which its servers know it. An edit keeps those that it does not name. */
  readonly localAddresses?: readonly string[]
}

/** `fullnat` is ours: both ends of a packet are rewritten. */
export type ForwardingMethod = 'masq' | 'route' | 'tunnel' | 'local' | 'fullnat'

export interface Tunnel {
  readonly type: 'ipip' | 'gue' | 'gre'
  /** GUE only: UDP port of the real server. */
  readonly port?: number
  readonly checksum?: 'none' | 'csum' | 'remcsum'
}

/** `toa`: a TCP option of the client's first packets; `proxy`: a PROXY protocol header (version 2) before its first byte. */
export type ClientAddress = 'toa' | 'proxy'

export interface ServerKey {
  readonly address: string
  readonly port: number
}

export interface ServerOptions {
  readonly method: ForwardingMethod
  /** Full NAT of TCP: how the server learns the client's address. Absent: it does not. */
  readonly clientAddress?: ClientAddress
  /** Set with `method: 'tunnel'`; IPIP where absent. */
  readonly tunnel?: Tunnel
  /** 0 quiesces the server. */
  readonly weight: number
  /** Connections from which on the server takes no new ones; 0: no limit. */
  readonly upperThreshold?: number
  /** Connections below which an overloaded server takes new ones again; 0: three quarters of the upper threshold. */
  readonly lowerThreshold?: number
  /** Quiesced, it loses the clients that persistence binds to it too, whatever `expire_quiescent_template` says. */
  readonly releasing?: boolean
}

export interface Counters {
  readonly connections: bigint
  readonly inPackets: bigint
  readonly outPackets: bigint
  readonly inBytes: bigint
  readonly outBytes: bigint
}

/** Per second, as the kernel's estimator smooths them; bytes, not bits. */
export interface Rates {
  readonly connections: bigint
  readonly inPackets: bigint
  readonly outPackets: bigint
  readonly inBytes: bigint
  readonly outBytes: bigint
}

/** Of all services together, deleted ones included, since their counters were last set to zero. */
export interface Totals {
  readonly counters: Counters
  readonly rates: Rates
}

export interface Server extends ServerKey, ServerOptions {
  readonly active: number
  readonly inactive: number
  readonly persistent: number
  readonly counters: Counters
  readonly rates: Rates
}

export interface Service {
  readonly key: ServiceKey
  readonly options: ServiceOptions
  readonly counters: Counters
  readonly rates: Rates
  /** In the table's own order: the server added last comes first. */
  readonly servers: readonly Server[]
}

/** Seconds. */
export interface Timeouts {
  readonly tcp: number
  readonly tcpFin: number
  readonly udp: number
}

export type DaemonState = 'master' | 'backup'

/** What a synchronization daemon is started with; what is absent is the daemon's to choose. */
export interface SyncDaemonOptions {
  /** The device whose network the messages go to and come from. */
  readonly interface: string
  /** 0 to 255; a backup whose id is not 0 takes only its own. */
  readonly syncid?: number
  /** Bytes of a message. */
  readonly maxLength?: number
  /** Multicast address of either family. */
  readonly group?: string
  readonly port?: number
  readonly ttl?: number
}

/** A synchronization daemon that runs. */
export interface SyncDaemon extends Required<SyncDaemonOptions> {
  readonly state: DaemonState
}

export interface Endpoint {
  readonly address: string
  readonly port: number
}

export interface Connection {
  readonly protocol: Protocol | 'ip'
  /** IPVS's name of the state: `ESTABLISHED`, `SYN_RECV`, …; `UDP`. */
  readonly state: string
  /** Seconds until it expires, rounded down, never negative. */
  readonly expires: number
  readonly client: Endpoint
  /** Of a firewall mark's template: the mark as an address, `0.0.0.7` or `0:7::`, as IPVS shows it. */
  readonly virtual: Endpoint
  readonly server: Endpoint
  /** What a persistence engine knows the client by; of the data, what is to be shown. */
  readonly engine?: { readonly name: string; readonly data: string }
}

/** What the kernel answers to an edit that it refuses, by errno name. */
export type IpvsErrno =
  | 'EEXIST' // service or server is there already
  | 'ESRCH' // no such service
  | 'ENOENT' // no such server, scheduler or persistence engine
  | 'EINVAL'
  | 'ERANGE'
  | 'EPERM'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'EAFNOSUPPORT'
  | 'EOPNOTSUPP'
  | 'ENODEV' // no such device for a synchronization daemon
