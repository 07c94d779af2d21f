/**
 * The vocabulary of IPVS's synchronization protocol, as it stands in datagrams: numbers and layouts that other directors
 * share with us. Everything on the wire is big-endian.
 */

/** Where directors listen unless told otherwise; with several ports the others follow it. */
export const DEFAULT_PORT = 8848
export const DEFAULT_GROUP = '224.0.0.81'
export const DEFAULT_TTL = 1

/** A datagram of version 1 holds no more connections than fit the count, of a byte. */
export const MOST_CONNECTIONS = 255

export const HEADER_V0 = 4
export const HEADER_V1 = 8
export const ENTRY_V0 = 24
export const ENTRY_V1_INET = 36
export const ENTRY_V1_INET6 = 72
export const SEQUENCES_SIZE = 24

/** A connection's flags on the wire. Those that tell of the sender's own table are left out of what is sent. */
export const Flag = {
  /** The forwarding method, by {@link Method}. */
  METHOD_MASK: 0x7,
  /** It came by synchronization. */
  SYNC: 0x20,
  /** It stands in the sender's table. */
  HASHED: 0x40,
  /** No reply seen: the server answers past the director. */
  NO_OUTPUT: 0x80,
  INACTIVE: 0x100,
  OUT_SEQUENCE: 0x200,
  IN_SEQUENCE: 0x400,
  SEQUENCE_MASK: 0x600,
  /** The client's port is not known yet. */
  NO_CLIENT_PORT: 0x800,
  TEMPLATE: 0x1000,
  ONE_PACKET: 0x2000,
} as const

export const Method = { MASQ: 0, LOCAL: 1, TUNNEL: 2, ROUTE: 3, BYPASS: 4 } as const

/** The flags that a director takes from another one. */
export const BACKUP_FLAGS =
  Flag.METHOD_MASK | Flag.NO_OUTPUT | Flag.INACTIVE | Flag.SEQUENCE_MASK | Flag.NO_CLIENT_PORT | Flag.TEMPLATE

export const Option = {
  SEQUENCES: 1,
  ENGINE_DATA: 2,
  ENGINE_NAME: 3,
  /** Beside an option's number: who does not know it may pass over it. */
  SKIPPABLE: 0x40,
} as const

export const MOST_ENGINE_DATA = 255
export const MOST_ENGINE_NAME = 16

export const Protocol = { IP: 0, TCP: 6, UDP: 17, ESP: 50, AH: 51, SCTP: 132 } as const

/** How many states a protocol has on the wire; a protocol that is not here is none of IPVS's. */
export const stateCounts: ReadonlyMap<number, number> = new Map([
  [Protocol.TCP, 11],
  [Protocol.UDP, 1],
  [Protocol.SCTP, 14],
  [Protocol.ESP, 1],
  [Protocol.AH, 1],
])

/** A template's states: whether a connection that it led to has been seen to work. */
export const TEMPLATE_STATES = 2

/** How far a rewritten stream's sequence numbers were moved. */
export interface Sequence {
  /** The sequence number from which on {@link delta} holds. */
  readonly initial: number
  readonly delta: number
  readonly previousDelta: number
}

export interface Sequences {
  readonly in: Sequence
  readonly out: Sequence
}

/** One connection or template, as a datagram tells it. Addresses are 4 or 16 bytes, as on the wire. */
export interface SyncConnection {
  readonly family: 'inet' | 'inet6'
  /** IP protocol number. */
  readonly protocol: number
  /** {@link Flag} */
  readonly flags: number
  /** IPVS's number of the state, by protocol; of a template 0 or 1. */
  readonly state: number
  readonly clientAddress: Uint8Array
  readonly clientPort: number
  readonly virtualAddress: Uint8Array
  readonly virtualPort: number
  readonly serverAddress: Uint8Array
  readonly serverPort: number
  /** 0: the service is known by address. Version 0 does not tell it. */
  readonly fwmark: number
  /** Seconds that the state lasts; undefined in version 0, which does not tell it. */
  readonly timeout?: number
  /** Present exactly with a flag of {@link Flag.SEQUENCE_MASK}. */
  readonly sequences?: Sequences
  /** A persistence engine's name, where it names one, and the data by which it knows the client. */
  readonly engine?: { readonly name: string; readonly data: Uint8Array }
}

/** A datagram, understood. */
export interface SyncMessage {
  readonly version: 0 | 1
  readonly syncid: number
  readonly connections: readonly SyncConnection[]
}
