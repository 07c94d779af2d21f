// Generated from the BTF of bpf/sluice.bpf.o by `npm run generate`. Do not edit: change the records in bpf/ instead.

/** `enum sluice_protocol`. */
export const SluiceProtocol = { ICMP: 1, IPIP: 4, TCP: 6, UDP: 17, IPV6: 41, ICMP6: 58, SCTP: 132 } as const
export type SluiceProtocol = (typeof SluiceProtocol)[keyof typeof SluiceProtocol]

/** The name of each value of `enum sluice_protocol`. */
export const SluiceProtocolName: Readonly<Record<number, string>> = {
  1: 'ICMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPV6',
  58: 'ICMP6',
  132: 'SCTP',
}

/** `enum sluice_family`. */
export const SluiceFamily = { INET: 2, INET6: 10 } as const
export type SluiceFamily = (typeof SluiceFamily)[keyof typeof SluiceFamily]

/** The name of each value of `enum sluice_family`. */
export const SluiceFamilyName: Readonly<Record<number, string>> = { 2: 'INET', 10: 'INET6' }

/** `enum sluice_scheduler`. */
export const SluiceScheduler = {
  NONE: 0,
  RR: 1,
  WRR: 2,
  LC: 3,
  WLC: 4,
  SED: 5,
  NQ: 6,
  FO: 7,
  OVF: 8,
  DH: 9,
  SH: 10,
  MH: 11,
  LBLC: 12,
  LBLCR: 13,
  TWOS: 14,
} as const
export type SluiceScheduler = (typeof SluiceScheduler)[keyof typeof SluiceScheduler]

/** The name of each value of `enum sluice_scheduler`. */
export const SluiceSchedulerName: Readonly<Record<number, string>> = {
  0: 'NONE',
  1: 'RR',
  2: 'WRR',
  3: 'LC',
  4: 'WLC',
  5: 'SED',
  6: 'NQ',
  7: 'FO',
  8: 'OVF',
  9: 'DH',
  10: 'SH',
  11: 'MH',
  12: 'LBLC',
  13: 'LBLCR',
  14: 'TWOS',
}

/** `enum sluice_method`. */
export const SluiceMethod = { MASQ: 0, LOCAL: 1, TUNNEL: 2, ROUTE: 3, BYPASS: 4, FULLNAT: 5 } as const
export type SluiceMethod = (typeof SluiceMethod)[keyof typeof SluiceMethod]

/** The name of each value of `enum sluice_method`. */
export const SluiceMethodName: Readonly<Record<number, string>> = {
  0: 'MASQ',
  1: 'LOCAL',
  2: 'TUNNEL',
  3: 'ROUTE',
  4: 'BYPASS',
  5: 'FULLNAT',
}

/** `enum sluice_tunnel`. */
export const SluiceTunnel = { IPIP: 0, GUE: 1, GRE: 2 } as const
export type SluiceTunnel = (typeof SluiceTunnel)[keyof typeof SluiceTunnel]

/** The name of each value of `enum sluice_tunnel`. */
export const SluiceTunnelName: Readonly<Record<number, string>> = { 0: 'IPIP', 1: 'GUE', 2: 'GRE' }

/** `enum sluice_service_flag`. */
export const SluiceServiceFlag = { PERSISTENT: 1, ONE_PACKET: 4, SCHED1: 8, SCHED2: 16, SCHED3: 32 } as const
export type SluiceServiceFlag = (typeof SluiceServiceFlag)[keyof typeof SluiceServiceFlag]

/** The name of each value of `enum sluice_service_flag`. */
export const SluiceServiceFlagName: Readonly<Record<number, string>> = {
  1: 'PERSISTENT',
  4: 'ONE_PACKET',
  8: 'SCHED1',
  16: 'SCHED2',
  32: 'SCHED3',
}

/** `enum sluice_slot`. */
export const SluiceSlot = { FREE: 0, LIVE: 1, TRASH: 2 } as const
export type SluiceSlot = (typeof SluiceSlot)[keyof typeof SluiceSlot]

/** The name of each value of `enum sluice_slot`. */
export const SluiceSlotName: Readonly<Record<number, string>> = { 0: 'FREE', 1: 'LIVE', 2: 'TRASH' }

/** `enum sluice_state`. */
export const SluiceState = {
  NONE: 0,
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT: 4,
  TIME_WAIT: 5,
  CLOSE: 6,
  CLOSE_WAIT: 7,
  LAST_ACK: 8,
  LISTEN: 9,
  SYNACK: 10,
  UDP: 11,
  SCTP_NONE: 16,
  SCTP_INIT1: 17,
  SCTP_INIT: 18,
  SCTP_COOKIE_SENT: 19,
  SCTP_COOKIE_REPLIED: 20,
  SCTP_COOKIE_WAIT: 21,
  SCTP_COOKIE: 22,
  SCTP_COOKIE_ECHOED: 23,
  SCTP_ESTABLISHED: 24,
  SCTP_SHUTDOWN_SENT: 25,
  SCTP_SHUTDOWN_RECEIVED: 26,
  SCTP_SHUTDOWN_ACK_SENT: 27,
  SCTP_REJECTED: 28,
  SCTP_CLOSED: 29,
  COUNT: 32,
} as const
export type SluiceState = (typeof SluiceState)[keyof typeof SluiceState]

/** The name of each value of `enum sluice_state`. */
export const SluiceStateName: Readonly<Record<number, string>> = {
  0: 'NONE',
  1: 'ESTABLISHED',
  2: 'SYN_SENT',
  3: 'SYN_RECV',
  4: 'FIN_WAIT',
  5: 'TIME_WAIT',
  6: 'CLOSE',
  7: 'CLOSE_WAIT',
  8: 'LAST_ACK',
  9: 'LISTEN',
  10: 'SYNACK',
  11: 'UDP',
  16: 'SCTP_NONE',
  17: 'SCTP_INIT1',
  18: 'SCTP_INIT',
  19: 'SCTP_COOKIE_SENT',
  20: 'SCTP_COOKIE_REPLIED',
  21: 'SCTP_COOKIE_WAIT',
  22: 'SCTP_COOKIE',
  23: 'SCTP_COOKIE_ECHOED',
  24: 'SCTP_ESTABLISHED',
  25: 'SCTP_SHUTDOWN_SENT',
  26: 'SCTP_SHUTDOWN_RECEIVED',
  27: 'SCTP_SHUTDOWN_ACK_SENT',
  28: 'SCTP_REJECTED',
  29: 'SCTP_CLOSED',
  32: 'COUNT',
}

/** `enum sluice_status`. */
export const SluiceStatus = {
  STATE_MASK: 255,
  INACTIVE: 256,
  NO_OUTPUT: 512,
  LIVE: 1024,
  HELD: 2048,
  LINK0: 4096,
  LINK1: 8192,
  STREAM: 16384,
  TOLD: 32768,
} as const
export type SluiceStatus = (typeof SluiceStatus)[keyof typeof SluiceStatus]

/** The name of each value of `enum sluice_status`. */
export const SluiceStatusName: Readonly<Record<number, string>> = {
  255: 'STATE_MASK',
  256: 'INACTIVE',
  512: 'NO_OUTPUT',
  1024: 'LIVE',
  2048: 'HELD',
  4096: 'LINK0',
  8192: 'LINK1',
  16384: 'STREAM',
  32768: 'TOLD',
}

/** `enum sluice_kind`. */
export const SluiceKind = { FLOW: 0, TEMPLATE: 1 } as const
export type SluiceKind = (typeof SluiceKind)[keyof typeof SluiceKind]

/** The name of each value of `enum sluice_kind`. */
export const SluiceKindName: Readonly<Record<number, string>> = { 0: 'FLOW', 1: 'TEMPLATE' }

/** `enum sluice_template`. */
export const SluiceTemplate = { NONE: 0, ASSURED: 1 } as const
export type SluiceTemplate = (typeof SluiceTemplate)[keyof typeof SluiceTemplate]

/** The name of each value of `enum sluice_template`. */
export const SluiceTemplateName: Readonly<Record<number, string>> = { 0: 'NONE', 1: 'ASSURED' }

/** `enum sluice_side`. */
export const SluiceSide = { REQUEST: 0, REPLY: 1 } as const
export type SluiceSide = (typeof SluiceSide)[keyof typeof SluiceSide]

/** The name of each value of `enum sluice_side`. */
export const SluiceSideName: Readonly<Record<number, string>> = { 0: 'REQUEST', 1: 'REPLY' }

/** `enum sluice_drop`. */
export const SluiceDrop = {
  NO_SERVER: 0,
  SERVER_GONE: 1,
  TABLE_FULL: 2,
  NO_ROUTE: 3,
  TTL: 4,
  TOO_BIG: 5,
  COLLISION: 6,
  MALFORMED: 7,
  ICMP_LIMIT: 8,
  NO_FORWARDING: 9,
  NO_LOCAL_PORT: 10,
  NO_CALL: 11,
  FRAGMENT: 12,
  DEFENCE: 13,
  NO_CONNECTION: 14,
  UPGRADE: 15,
  COUNT: 16,
} as const
export type SluiceDrop = (typeof SluiceDrop)[keyof typeof SluiceDrop]

/** The name of each value of `enum sluice_drop`. */
export const SluiceDropName: Readonly<Record<number, string>> = {
  0: 'NO_SERVER',
  1: 'SERVER_GONE',
  2: 'TABLE_FULL',
  3: 'NO_ROUTE',
  4: 'TTL',
  5: 'TOO_BIG',
  6: 'COLLISION',
  7: 'MALFORMED',
  8: 'ICMP_LIMIT',
  9: 'NO_FORWARDING',
  10: 'NO_LOCAL_PORT',
  11: 'NO_CALL',
  12: 'FRAGMENT',
  13: 'DEFENCE',
  14: 'NO_CONNECTION',
  15: 'UPGRADE',
  16: 'COUNT',
}

/** `enum sluice_event`. */
export const SluiceEvent = {
  CURSOR_RETRIES: 0,
  NEIGHBOUR: 1,
  TO_STACK: 2,
  REUSED: 3,
  UNKNOWN_FRAGMENT: 4,
  DEFENCE: 5,
  XDP_FORWARDED: 6,
  XDP_LEFT: 7,
  EVICTED: 8,
  COUNT: 9,
} as const
export type SluiceEvent = (typeof SluiceEvent)[keyof typeof SluiceEvent]

/** The name of each value of `enum sluice_event`. */
export const SluiceEventName: Readonly<Record<number, string>> = {
  0: 'CURSOR_RETRIES',
  1: 'NEIGHBOUR',
  2: 'TO_STACK',
  3: 'REUSED',
  4: 'UNKNOWN_FRAGMENT',
  5: 'DEFENCE',
  6: 'XDP_FORWARDED',
  7: 'XDP_LEFT',
  8: 'EVICTED',
  9: 'COUNT',
}

/** `enum sluice_hook`. */
export const SluiceHook = { NONE: 0, TCX: 1, CLSACT: 2 } as const
export type SluiceHook = (typeof SluiceHook)[keyof typeof SluiceHook]

/** The name of each value of `enum sluice_hook`. */
export const SluiceHookName: Readonly<Record<number, string>> = { 0: 'NONE', 1: 'TCX', 2: 'CLSACT' }

/** `enum sluice_fast`. */
export const SluiceFast = { NONE: 0, NATIVE: 1, GENERIC: 2 } as const
export type SluiceFast = (typeof SluiceFast)[keyof typeof SluiceFast]

/** The name of each value of `enum sluice_fast`. */
export const SluiceFastName: Readonly<Record<number, string>> = { 0: 'NONE', 1: 'NATIVE', 2: 'GENERIC' }

/** `enum sluice_fix`. */
export const SluiceFix = { LRO: 1, RX_VLAN: 2, PEER_TX: 4, PEER_GRO: 8 } as const
export type SluiceFix = (typeof SluiceFix)[keyof typeof SluiceFix]

/** The name of each value of `enum sluice_fix`. */
export const SluiceFixName: Readonly<Record<number, string>> = { 1: 'LRO', 2: 'RX_VLAN', 4: 'PEER_TX', 8: 'PEER_GRO' }

/** `enum sluice_fast_device`. */
export const SluiceFastDevice = { FRAMES: 1, PACKETS: 2, BACK: 4 } as const
export type SluiceFastDevice = (typeof SluiceFastDevice)[keyof typeof SluiceFastDevice]

/** The name of each value of `enum sluice_fast_device`. */
export const SluiceFastDeviceName: Readonly<Record<number, string>> = { 1: 'FRAMES', 2: 'PACKETS', 4: 'BACK' }

/** `enum sluice_sysctl`. */
export const SluiceSysctl = {
  AM_DROPRATE: 0,
  AMEMTHRESH: 1,
  BACKUP_ONLY: 2,
  CACHE_BYPASS: 3,
  CONN_REUSE_MODE: 4,
  CONNTRACK: 5,
  DROP_ENTRY: 6,
  DROP_PACKET: 7,
  EST_NICE: 8,
  EXPIRE_NODEST_CONN: 9,
  EXPIRE_QUIESCENT_TEMPLATE: 10,
  IGNORE_TUNNELED: 11,
  LBLC_EXPIRATION: 12,
  LBLCR_EXPIRATION: 13,
  NAT_ICMP_SEND: 14,
  PMTU_DISC: 15,
  RUN_ESTIMATION: 16,
  SCHEDULE_ICMP: 17,
  SECURE_TCP: 18,
  SLOPPY_SCTP: 19,
  SLOPPY_TCP: 20,
  SNAT_REROUTE: 21,
  SYNC_PERSIST_MODE: 22,
  SYNC_PORTS: 23,
  SYNC_QLEN_MAX: 24,
  SYNC_REFRESH_PERIOD: 25,
  SYNC_RETRIES: 26,
  SYNC_SOCK_SIZE: 27,
  SYNC_THRESHOLD: 28,
  SYNC_PERIOD: 29,
  SYNC_VERSION: 30,
  CONN_RATE: 31,
  COUNT: 32,
} as const
export type SluiceSysctl = (typeof SluiceSysctl)[keyof typeof SluiceSysctl]

/** The name of each value of `enum sluice_sysctl`. */
export const SluiceSysctlName: Readonly<Record<number, string>> = {
  0: 'AM_DROPRATE',
  1: 'AMEMTHRESH',
  2: 'BACKUP_ONLY',
  3: 'CACHE_BYPASS',
  4: 'CONN_REUSE_MODE',
  5: 'CONNTRACK',
  6: 'DROP_ENTRY',
  7: 'DROP_PACKET',
  8: 'EST_NICE',
  9: 'EXPIRE_NODEST_CONN',
  10: 'EXPIRE_QUIESCENT_TEMPLATE',
  11: 'IGNORE_TUNNELED',
  12: 'LBLC_EXPIRATION',
  13: 'LBLCR_EXPIRATION',
  14: 'NAT_ICMP_SEND',
  15: 'PMTU_DISC',
  16: 'RUN_ESTIMATION',
  17: 'SCHEDULE_ICMP',
  18: 'SECURE_TCP',
  19: 'SLOPPY_SCTP',
  20: 'SLOPPY_TCP',
  21: 'SNAT_REROUTE',
  22: 'SYNC_PERSIST_MODE',
  23: 'SYNC_PORTS',
  24: 'SYNC_QLEN_MAX',
  25: 'SYNC_REFRESH_PERIOD',
  26: 'SYNC_RETRIES',
  27: 'SYNC_SOCK_SIZE',
  28: 'SYNC_THRESHOLD',
  29: 'SYNC_PERIOD',
  30: 'SYNC_VERSION',
  31: 'CONN_RATE',
  32: 'COUNT',
}

/** `enum sluice_engine`. */
export const SluiceEngine = { NONE: 0, SIP: 1 } as const
export type SluiceEngine = (typeof SluiceEngine)[keyof typeof SluiceEngine]

/** The name of each value of `enum sluice_engine`. */
export const SluiceEngineName: Readonly<Record<number, string>> = { 0: 'NONE', 1: 'SIP' }

/** `enum sluice_timeout`. */
export const SluiceTimeout = { TCP: 0, TCP_FIN: 1, UDP: 2 } as const
export type SluiceTimeout = (typeof SluiceTimeout)[keyof typeof SluiceTimeout]

/** The name of each value of `enum sluice_timeout`. */
export const SluiceTimeoutName: Readonly<Record<number, string>> = { 0: 'TCP', 1: 'TCP_FIN', 2: 'UDP' }

/** `enum sluice_tunnel_flag`. */
export const SluiceTunnelFlag = { CSUM: 1, REMCSUM: 2 } as const
export type SluiceTunnelFlag = (typeof SluiceTunnelFlag)[keyof typeof SluiceTunnelFlag]

/** The name of each value of `enum sluice_tunnel_flag`. */
export const SluiceTunnelFlagName: Readonly<Record<number, string>> = { 1: 'CSUM', 2: 'REMCSUM' }

/** `enum sluice_client_address`. */
export const SluiceClientAddress = { HIDDEN: 0, TOA: 1, PROXY: 2 } as const
export type SluiceClientAddress = (typeof SluiceClientAddress)[keyof typeof SluiceClientAddress]

/** The name of each value of `enum sluice_client_address`. */
export const SluiceClientAddressName: Readonly<Record<number, string>> = { 0: 'HIDDEN', 1: 'TOA', 2: 'PROXY' }

/** `enum sluice_arrival`. */
export const SluiceArrival = { NONE: 0, PENDING: 1, MADE: 2, UPDATED: 3, NO_SERVER: 4, FULL: 5, OTHER: 6 } as const
export type SluiceArrival = (typeof SluiceArrival)[keyof typeof SluiceArrival]

/** The name of each value of `enum sluice_arrival`. */
export const SluiceArrivalName: Readonly<Record<number, string>> = {
  0: 'NONE',
  1: 'PENDING',
  2: 'MADE',
  3: 'UPDATED',
  4: 'NO_SERVER',
  5: 'FULL',
  6: 'OTHER',
}

/** `enum sluice_hold`. */
export const SluiceHold = { TIMERS: 1, PACKETS: 2 } as const
export type SluiceHold = (typeof SluiceHold)[keyof typeof SluiceHold]

/** The name of each value of `enum sluice_hold`. */
export const SluiceHoldName: Readonly<Record<number, string>> = { 1: 'TIMERS', 2: 'PACKETS' }

/** `enum sluice_successor`. */
export const SluiceSuccessor = { INGRESS: 0, EGRESS: 1, COUNT: 2 } as const
export type SluiceSuccessor = (typeof SluiceSuccessor)[keyof typeof SluiceSuccessor]

/** The name of each value of `enum sluice_successor`. */
export const SluiceSuccessorName: Readonly<Record<number, string>> = { 0: 'INGRESS', 1: 'EGRESS', 2: 'COUNT' }

/** `struct turn`, 16 bytes. */
export class TurnRecord {
  static readonly SIZE = 16
  static readonly OFFSET = { generation: 0, held: 4, until: 8 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): TurnRecord {
    return new TurnRecord(new DataView(new ArrayBuffer(16)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 16)
  }

  get generation(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set generation(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get held(): number {
    return this.view.getUint32(this.base + 4, true)
  }
  set held(value: number) {
    this.view.setUint32(this.base + 4, value, true)
  }
  get until(): bigint {
    return this.view.getBigUint64(this.base + 8, true)
  }
  set until(value: bigint) {
    this.view.setBigUint64(this.base + 8, value, true)
  }
}

/** `struct adjustment`, 16 bytes. */
export class AdjustmentRecord {
  static readonly SIZE = 16
  static readonly OFFSET = { at: 0, before: 4, after: 8, settled: 12 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): AdjustmentRecord {
    return new AdjustmentRecord(new DataView(new ArrayBuffer(16)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 16)
  }

  get at(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set at(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get before(): number {
    return this.view.getInt32(this.base + 4, true)
  }
  set before(value: number) {
    this.view.setInt32(this.base + 4, value, true)
  }
  get after(): number {
    return this.view.getInt32(this.base + 8, true)
  }
  set after(value: number) {
    this.view.setInt32(this.base + 8, value, true)
  }
  get settled(): number {
    return this.view.getUint32(this.base + 12, true)
  }
  set settled(value: number) {
    this.view.setUint32(this.base + 12, value, true)
  }
}

/** `struct stream`, 48 bytes. */
export class StreamRecord {
  static readonly SIZE = 48
  static readonly OFFSET = {
    generation: 0,
    clientAddress: 4,
    sent: 5,
    ftp: 6,
    spare: 7,
    high: 8,
    echoed: 12,
    adjust: 16,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): StreamRecord {
    return new StreamRecord(new DataView(new ArrayBuffer(48)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 48)
  }

  get generation(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set generation(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get clientAddress(): number {
    return this.view.getUint8(this.base + 4)
  }
  set clientAddress(value: number) {
    this.view.setUint8(this.base + 4, value)
  }
  get sent(): number {
    return this.view.getUint8(this.base + 5)
  }
  set sent(value: number) {
    this.view.setUint8(this.base + 5, value)
  }
  get ftp(): number {
    return this.view.getUint8(this.base + 6)
  }
  set ftp(value: number) {
    this.view.setUint8(this.base + 6, value)
  }
  get spare(): number {
    return this.view.getUint8(this.base + 7)
  }
  set spare(value: number) {
    this.view.setUint8(this.base + 7, value)
  }
  get high(): number {
    return this.view.getUint32(this.base + 8, true)
  }
  set high(value: number) {
    this.view.setUint32(this.base + 8, value, true)
  }
  get echoed(): number {
    return this.view.getUint32(this.base + 12, true)
  }
  set echoed(value: number) {
    this.view.setUint32(this.base + 12, value, true)
  }
  /** index < 2 */
  adjust(index: number): AdjustmentRecord {
    return new AdjustmentRecord(this.view, this.base + 16 + index * 16)
  }
}

/** `struct watermark`, 16 bytes. */
export class WatermarkRecord {
  static readonly SIZE = 16
  static readonly OFFSET = { top: 0, size: 4, used: 8, spare: 12 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): WatermarkRecord {
    return new WatermarkRecord(new DataView(new ArrayBuffer(16)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 16)
  }

  get top(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set top(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get size(): number {
    return this.view.getUint32(this.base + 4, true)
  }
  set size(value: number) {
    this.view.setUint32(this.base + 4, value, true)
  }
  get used(): number {
    return this.view.getUint32(this.base + 8, true)
  }
  set used(value: number) {
    this.view.setUint32(this.base + 8, value, true)
  }
  get spare(): number {
    return this.view.getUint32(this.base + 12, true)
  }
  set spare(value: number) {
    this.view.setUint32(this.base + 12, value, true)
  }
}

/** `struct flow`, 40 bytes. */
export class FlowRecord {
  static readonly SIZE = 40
  static readonly OFFSET = {
    saddr: 0,
    daddr: 16,
    sport: 32,
    dport: 34,
    protocol: 36,
    kind: 37,
    family: 38,
    spare: 39,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): FlowRecord {
    return new FlowRecord(new DataView(new ArrayBuffer(40)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 40)
  }

  /** index < 4; network byte order in memory, the plain number here */
  saddr(index: number): number {
    return this.view.getUint32(this.base + 0 + index * 4)
  }
  setSaddr(index: number, value: number) {
    this.view.setUint32(this.base + 0 + index * 4, value)
  }
  /** index < 4; network byte order in memory, the plain number here */
  daddr(index: number): number {
    return this.view.getUint32(this.base + 16 + index * 4)
  }
  setDaddr(index: number, value: number) {
    this.view.setUint32(this.base + 16 + index * 4, value)
  }
  /** Network byte order in memory, the plain number here. */
  get sport(): number {
    return this.view.getUint16(this.base + 32)
  }
  set sport(value: number) {
    this.view.setUint16(this.base + 32, value)
  }
  /** Network byte order in memory, the plain number here. */
  get dport(): number {
    return this.view.getUint16(this.base + 34)
  }
  set dport(value: number) {
    this.view.setUint16(this.base + 34, value)
  }
  get protocol(): number {
    return this.view.getUint8(this.base + 36)
  }
  set protocol(value: number) {
    this.view.setUint8(this.base + 36, value)
  }
  get kind(): number {
    return this.view.getUint8(this.base + 37)
  }
  set kind(value: number) {
    this.view.setUint8(this.base + 37, value)
  }
  get family(): number {
    return this.view.getUint8(this.base + 38)
  }
  set family(value: number) {
    this.view.setUint8(this.base + 38, value)
  }
  get spare(): number {
    return this.view.getUint8(this.base + 39)
  }
  set spare(value: number) {
    this.view.setUint8(this.base + 39, value)
  }
}

/** `struct arrival`, 72 bytes. */
export class ArrivalRecord {
  static readonly SIZE = 72
  static readonly OFFSET = {
    request: 0,
    server: 40,
    timeout: 44,
    packets: 48,
    status: 52,
    result: 56,
    dport: 60,
    resync: 62,
    lasts: 64,
    spare: 68,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ArrivalRecord {
    return new ArrivalRecord(new DataView(new ArrayBuffer(72)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 72)
  }

  get request(): FlowRecord {
    return new FlowRecord(this.view, this.base + 0)
  }
  get server(): number {
    return this.view.getUint32(this.base + 40, true)
  }
  set server(value: number) {
    this.view.setUint32(this.base + 40, value, true)
  }
  get timeout(): number {
    return this.view.getUint32(this.base + 44, true)
  }
  set timeout(value: number) {
    this.view.setUint32(this.base + 44, value, true)
  }
  get packets(): number {
    return this.view.getUint32(this.base + 48, true)
  }
  set packets(value: number) {
    this.view.setUint32(this.base + 48, value, true)
  }
  get status(): number {
    return this.view.getUint32(this.base + 52, true)
  }
  set status(value: number) {
    this.view.setUint32(this.base + 52, value, true)
  }
  get result(): number {
    return this.view.getUint32(this.base + 56, true)
  }
  set result(value: number) {
    this.view.setUint32(this.base + 56, value, true)
  }
  /** Network byte order in memory, the plain number here. */
  get dport(): number {
    return this.view.getUint16(this.base + 60)
  }
  set dport(value: number) {
    this.view.setUint16(this.base + 60, value)
  }
  get resync(): number {
    return this.view.getUint16(this.base + 62, true)
  }
  set resync(value: number) {
    this.view.setUint16(this.base + 62, value, true)
  }
  get lasts(): number {
    return this.view.getUint32(this.base + 64, true)
  }
  set lasts(value: number) {
    this.view.setUint32(this.base + 64, value, true)
  }
  get spare(): number {
    return this.view.getUint32(this.base + 68, true)
  }
  set spare(value: number) {
    this.view.setUint32(this.base + 68, value, true)
  }
}

/** `struct expectation_key`, 36 bytes. */
export class ExpectationKeyRecord {
  static readonly SIZE = 36
  static readonly OFFSET = { caddr: 0, vaddr: 16, vport: 32, family: 34, spare: 35 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ExpectationKeyRecord {
    return new ExpectationKeyRecord(new DataView(new ArrayBuffer(36)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 36)
  }

  /** index < 4; network byte order in memory, the plain number here */
  caddr(index: number): number {
    return this.view.getUint32(this.base + 0 + index * 4)
  }
  setCaddr(index: number, value: number) {
    this.view.setUint32(this.base + 0 + index * 4, value)
  }
  /** index < 4; network byte order in memory, the plain number here */
  vaddr(index: number): number {
    return this.view.getUint32(this.base + 16 + index * 4)
  }
  setVaddr(index: number, value: number) {
    this.view.setUint32(this.base + 16 + index * 4, value)
  }
  /** Network byte order in memory, the plain number here. */
  get vport(): number {
    return this.view.getUint16(this.base + 32)
  }
  set vport(value: number) {
    this.view.setUint16(this.base + 32, value)
  }
  get family(): number {
    return this.view.getUint8(this.base + 34)
  }
  set family(value: number) {
    this.view.setUint8(this.base + 34, value)
  }
  get spare(): number {
    return this.view.getUint8(this.base + 35)
  }
  set spare(value: number) {
    this.view.setUint8(this.base + 35, value)
  }
}

/** `struct expectation`, 24 bytes. */
export class ExpectationRecord {
  static readonly SIZE = 24
  static readonly OFFSET = { expires: 0, parent: 8, generation: 12, server: 16, dport: 20, spare: 22 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ExpectationRecord {
    return new ExpectationRecord(new DataView(new ArrayBuffer(24)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 24)
  }

  get expires(): bigint {
    return this.view.getBigUint64(this.base + 0, true)
  }
  set expires(value: bigint) {
    this.view.setBigUint64(this.base + 0, value, true)
  }
  get parent(): number {
    return this.view.getUint32(this.base + 8, true)
  }
  set parent(value: number) {
    this.view.setUint32(this.base + 8, value, true)
  }
  get generation(): number {
    return this.view.getUint32(this.base + 12, true)
  }
  set generation(value: number) {
    this.view.setUint32(this.base + 12, value, true)
  }
  get server(): number {
    return this.view.getUint32(this.base + 16, true)
  }
  set server(value: number) {
    this.view.setUint32(this.base + 16, value, true)
  }
  /** Network byte order in memory, the plain number here. */
  get dport(): number {
    return this.view.getUint16(this.base + 20)
  }
  set dport(value: number) {
    this.view.setUint16(this.base + 20, value)
  }
  get spare(): number {
    return this.view.getUint16(this.base + 22, true)
  }
  set spare(value: number) {
    this.view.setUint16(this.base + 22, value, true)
  }
}

/** `struct connection`, 64 bytes. */
export class ConnectionRecord {
  static readonly SIZE = 64
  static readonly OFFSET = {
    expires: 0,
    status: 8,
    generation: 12,
    server: 16,
    inPackets: 20,
    next: 24,
    parent: 32,
    children: 36,
    caddr: 40,
    vaddr: 44,
    cport: 48,
    vport: 50,
    dport: 52,
    lport: 54,
    protocol: 56,
    family: 57,
    method: 58,
    kind: 59,
    look: 60,
    local: 62,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ConnectionRecord {
    return new ConnectionRecord(new DataView(new ArrayBuffer(64)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 64)
  }

  get expires(): bigint {
    return this.view.getBigUint64(this.base + 0, true)
  }
  set expires(value: bigint) {
    this.view.setBigUint64(this.base + 0, value, true)
  }
  get status(): number {
    return this.view.getUint32(this.base + 8, true)
  }
  set status(value: number) {
    this.view.setUint32(this.base + 8, value, true)
  }
  get generation(): number {
    return this.view.getUint32(this.base + 12, true)
  }
  set generation(value: number) {
    this.view.setUint32(this.base + 12, value, true)
  }
  get server(): number {
    return this.view.getUint32(this.base + 16, true)
  }
  set server(value: number) {
    this.view.setUint32(this.base + 16, value, true)
  }
  get inPackets(): number {
    return this.view.getUint32(this.base + 20, true)
  }
  set inPackets(value: number) {
    this.view.setUint32(this.base + 20, value, true)
  }
  /** index < 2 */
  next(index: number): number {
    return this.view.getUint32(this.base + 24 + index * 4, true)
  }
  setNext(index: number, value: number) {
    this.view.setUint32(this.base + 24 + index * 4, value, true)
  }
  get parent(): number {
    return this.view.getUint32(this.base + 32, true)
  }
  set parent(value: number) {
    this.view.setUint32(this.base + 32, value, true)
  }
  get children(): number {
    return this.view.getUint32(this.base + 36, true)
  }
  set children(value: number) {
    this.view.setUint32(this.base + 36, value, true)
  }
  /** Network byte order in memory, the plain number here. */
  get caddr(): number {
    return this.view.getUint32(this.base + 40)
  }
  set caddr(value: number) {
    this.view.setUint32(this.base + 40, value)
  }
  /** Network byte order in memory, the plain number here. */
  get vaddr(): number {
    return this.view.getUint32(this.base + 44)
  }
  set vaddr(value: number) {
    this.view.setUint32(this.base + 44, value)
  }
  /** Network byte order in memory, the plain number here. */
  get cport(): number {
    return this.view.getUint16(this.base + 48)
  }
  set cport(value: number) {
    this.view.setUint16(this.base + 48, value)
  }
  /** Network byte order in memory, the plain number here. */
  get vport(): number {
    return this.view.getUint16(this.base + 50)
  }
  set vport(value: number) {
    this.view.setUint16(this.base + 50, value)
  }
  /** Network byte order in memory, the plain number here. */
  get dport(): number {
    return this.view.getUint16(this.base + 52)
  }
  set dport(value: number) {
    this.view.setUint16(this.base + 52, value)
  }
  /** Network byte order in memory, the plain number here. */
  get lport(): number {
    return this.view.getUint16(this.base + 54)
  }
  set lport(value: number) {
    this.view.setUint16(this.base + 54, value)
  }
  get protocol(): number {
    return this.view.getUint8(this.base + 56)
  }
  set protocol(value: number) {
    this.view.setUint8(this.base + 56, value)
  }
  get family(): number {
    return this.view.getUint8(this.base + 57)
  }
  set family(value: number) {
    this.view.setUint8(this.base + 57, value)
  }
  get method(): number {
    return this.view.getUint8(this.base + 58)
  }
  set method(value: number) {
    this.view.setUint8(this.base + 58, value)
  }
  get kind(): number {
    return this.view.getUint8(this.base + 59)
  }
  set kind(value: number) {
    this.view.setUint8(this.base + 59, value)
  }
  get look(): number {
    return this.view.getUint16(this.base + 60, true)
  }
  set look(value: number) {
    this.view.setUint16(this.base + 60, value, true)
  }
  get local(): number {
    return this.view.getUint16(this.base + 62, true)
  }
  set local(value: number) {
    this.view.setUint16(this.base + 62, value, true)
  }
}

/** `struct connection6`, 96 bytes. */
export class Connection6Record {
  static readonly SIZE = 96
  static readonly OFFSET = { connection: 0, caddr: 64, vaddr: 80 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): Connection6Record {
    return new Connection6Record(new DataView(new ArrayBuffer(96)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 96)
  }

  get connection(): ConnectionRecord {
    return new ConnectionRecord(this.view, this.base + 0)
  }
  /** index < 4; network byte order in memory, the plain number here */
  caddr(index: number): number {
    return this.view.getUint32(this.base + 64 + index * 4)
  }
  setCaddr(index: number, value: number) {
    this.view.setUint32(this.base + 64 + index * 4, value)
  }
  /** index < 4; network byte order in memory, the plain number here */
  vaddr(index: number): number {
    return this.view.getUint32(this.base + 80 + index * 4)
  }
  setVaddr(index: number, value: number) {
    this.view.setUint32(this.base + 80 + index * 4, value)
  }
}

/** `struct call_key`, 300 bytes. */
export class CallKeyRecord {
  static readonly SIZE = 300
  static readonly OFFSET = { flow: 0, length: 40, id: 44 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): CallKeyRecord {
    return new CallKeyRecord(new DataView(new ArrayBuffer(300)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 300)
  }

  get flow(): FlowRecord {
    return new FlowRecord(this.view, this.base + 0)
  }
  get length(): number {
    return this.view.getUint32(this.base + 40, true)
  }
  set length(value: number) {
    this.view.setUint32(this.base + 40, value, true)
  }
  /** index < 256 */
  id(index: number): number {
    return this.view.getUint8(this.base + 44 + index)
  }
  setId(index: number, value: number) {
    this.view.setUint8(this.base + 44 + index, value)
  }
  /** The 256 bytes themselves, not a copy. */
  idBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 44, 256)
  }
}

/** `struct call_scratch`, 2348 bytes. */
export class CallScratchRecord {
  static readonly SIZE = 2348
  static readonly OFFSET = { key: 0, text: 300 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): CallScratchRecord {
    return new CallScratchRecord(new DataView(new ArrayBuffer(2348)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 2348)
  }

  get key(): CallKeyRecord {
    return new CallKeyRecord(this.view, this.base + 0)
  }
  /** index < 2048 */
  text(index: number): number {
    return this.view.getUint8(this.base + 300 + index)
  }
  setText(index: number, value: number) {
    this.view.setUint8(this.base + 300 + index, value)
  }
  /** The 2048 bytes themselves, not a copy. */
  textBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 300, 2048)
  }
}

/** `struct counters`, 40 bytes. */
export class CountersRecord {
  static readonly SIZE = 40
  static readonly OFFSET = { connections: 0, inPackets: 8, outPackets: 16, inBytes: 24, outBytes: 32 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): CountersRecord {
    return new CountersRecord(new DataView(new ArrayBuffer(40)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 40)
  }

  get connections(): bigint {
    return this.view.getBigUint64(this.base + 0, true)
  }
  set connections(value: bigint) {
    this.view.setBigUint64(this.base + 0, value, true)
  }
  get inPackets(): bigint {
    return this.view.getBigUint64(this.base + 8, true)
  }
  set inPackets(value: bigint) {
    this.view.setBigUint64(this.base + 8, value, true)
  }
  get outPackets(): bigint {
    return this.view.getBigUint64(this.base + 16, true)
  }
  set outPackets(value: bigint) {
    this.view.setBigUint64(this.base + 16, value, true)
  }
  get inBytes(): bigint {
    return this.view.getBigUint64(this.base + 24, true)
  }
  set inBytes(value: bigint) {
    this.view.setBigUint64(this.base + 24, value, true)
  }
  get outBytes(): bigint {
    return this.view.getBigUint64(this.base + 32, true)
  }
  set outBytes(value: bigint) {
    this.view.setBigUint64(this.base + 32, value, true)
  }
}

/** `struct estimator`, 72 bytes. */
export class EstimatorRecord {
  static readonly SIZE = 72
  static readonly OFFSET = { timer: 0, start: 16, total: 24, block: 64, spare: 68 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): EstimatorRecord {
    return new EstimatorRecord(new DataView(new ArrayBuffer(72)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 72)
  }

  // timer: struct bpf_timer at 0, 16 bytes, user space leaves it alone
  get start(): bigint {
    return this.view.getBigUint64(this.base + 16, true)
  }
  set start(value: bigint) {
    this.view.setBigUint64(this.base + 16, value, true)
  }
  get total(): CountersRecord {
    return new CountersRecord(this.view, this.base + 24)
  }
  get block(): number {
    return this.view.getUint32(this.base + 64, true)
  }
  set block(value: number) {
    this.view.setUint32(this.base + 64, value, true)
  }
  get spare(): number {
    return this.view.getUint32(this.base + 68, true)
  }
  set spare(value: number) {
    this.view.setUint32(this.base + 68, value, true)
  }
}

/** `struct locality_key`, 24 bytes. */
export class LocalityKeyRecord {
  static readonly SIZE = 24
  static readonly OFFSET = { address: 0, service: 16, stamp: 20 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): LocalityKeyRecord {
    return new LocalityKeyRecord(new DataView(new ArrayBuffer(24)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 24)
  }

  /** index < 4; network byte order in memory, the plain number here */
  address(index: number): number {
    return this.view.getUint32(this.base + 0 + index * 4)
  }
  setAddress(index: number, value: number) {
    this.view.setUint32(this.base + 0 + index * 4, value)
  }
  get service(): number {
    return this.view.getUint32(this.base + 16, true)
  }
  set service(value: number) {
    this.view.setUint32(this.base + 16, value, true)
  }
  get stamp(): number {
    return this.view.getUint32(this.base + 20, true)
  }
  set stamp(value: number) {
    this.view.setUint32(this.base + 20, value, true)
  }
}

/** `struct locality`, 280 bytes. */
export class LocalityRecord {
  static readonly SIZE = 280
  static readonly OFFSET = { used: 0, modified: 8, server: 16, lock: 272, count: 276 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): LocalityRecord {
    return new LocalityRecord(new DataView(new ArrayBuffer(280)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 280)
  }

  get used(): bigint {
    return this.view.getBigUint64(this.base + 0, true)
  }
  set used(value: bigint) {
    this.view.setBigUint64(this.base + 0, value, true)
  }
  get modified(): bigint {
    return this.view.getBigUint64(this.base + 8, true)
  }
  set modified(value: bigint) {
    this.view.setBigUint64(this.base + 8, value, true)
  }
  /** index < 32 */
  server(index: number): bigint {
    return this.view.getBigUint64(this.base + 16 + index * 8, true)
  }
  setServer(index: number, value: bigint) {
    this.view.setBigUint64(this.base + 16 + index * 8, value, true)
  }
  // lock: struct bpf_spin_lock at 272, 4 bytes, user space leaves it alone
  get count(): number {
    return this.view.getUint32(this.base + 276, true)
  }
  set count(value: number) {
    this.view.setUint32(this.base + 276, value, true)
  }
}

/** `struct maglev`, 8186 bytes. */
export class MaglevRecord {
  static readonly SIZE = 8186
  static readonly OFFSET = { server: 0 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): MaglevRecord {
    return new MaglevRecord(new DataView(new ArrayBuffer(8186)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 8186)
  }

  /** index < 4093 */
  server(index: number): number {
    return this.view.getUint16(this.base + 0 + index * 2, true)
  }
  setServer(index: number, value: number) {
    this.view.setUint16(this.base + 0 + index * 2, value, true)
  }
}

/** `struct fragment_key`, 12 bytes. */
export class FragmentKeyRecord {
  static readonly SIZE = 12
  static readonly OFFSET = { saddr: 0, daddr: 4, id: 8, protocol: 10, spare: 11 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): FragmentKeyRecord {
    return new FragmentKeyRecord(new DataView(new ArrayBuffer(12)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 12)
  }

  /** Network byte order in memory, the plain number here. */
  get saddr(): number {
    return this.view.getUint32(this.base + 0)
  }
  set saddr(value: number) {
    this.view.setUint32(this.base + 0, value)
  }
  /** Network byte order in memory, the plain number here. */
  get daddr(): number {
    return this.view.getUint32(this.base + 4)
  }
  set daddr(value: number) {
    this.view.setUint32(this.base + 4, value)
  }
  /** Network byte order in memory, the plain number here. */
  get id(): number {
    return this.view.getUint16(this.base + 8)
  }
  set id(value: number) {
    this.view.setUint16(this.base + 8, value)
  }
  get protocol(): number {
    return this.view.getUint8(this.base + 10)
  }
  set protocol(value: number) {
    this.view.setUint8(this.base + 10, value)
  }
  get spare(): number {
    return this.view.getUint8(this.base + 11)
  }
  set spare(value: number) {
    this.view.setUint8(this.base + 11, value)
  }
}

/** `struct fragment_ports`, 4 bytes. */
export class FragmentPortsRecord {
  static readonly SIZE = 4
  static readonly OFFSET = { sport: 0, dport: 2 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): FragmentPortsRecord {
    return new FragmentPortsRecord(new DataView(new ArrayBuffer(4)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 4)
  }

  /** Network byte order in memory, the plain number here. */
  get sport(): number {
    return this.view.getUint16(this.base + 0)
  }
  set sport(value: number) {
    this.view.setUint16(this.base + 0, value)
  }
  /** Network byte order in memory, the plain number here. */
  get dport(): number {
    return this.view.getUint16(this.base + 2)
  }
  set dport(value: number) {
    this.view.setUint16(this.base + 2, value)
  }
}

/** `struct fragment6_key`, 36 bytes. */
export class Fragment6KeyRecord {
  static readonly SIZE = 36
  static readonly OFFSET = { saddr: 0, daddr: 16, id: 32 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): Fragment6KeyRecord {
    return new Fragment6KeyRecord(new DataView(new ArrayBuffer(36)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 36)
  }

  /** index < 4; network byte order in memory, the plain number here */
  saddr(index: number): number {
    return this.view.getUint32(this.base + 0 + index * 4)
  }
  setSaddr(index: number, value: number) {
    this.view.setUint32(this.base + 0 + index * 4, value)
  }
  /** index < 4; network byte order in memory, the plain number here */
  daddr(index: number): number {
    return this.view.getUint32(this.base + 16 + index * 4)
  }
  setDaddr(index: number, value: number) {
    this.view.setUint32(this.base + 16 + index * 4, value)
  }
  /** Network byte order in memory, the plain number here. */
  get id(): number {
    return this.view.getUint32(this.base + 32)
  }
  set id(value: number) {
    this.view.setUint32(this.base + 32, value)
  }
}

/** `struct fragment6_ports`, 8 bytes. */
export class Fragment6PortsRecord {
  static readonly SIZE = 8
  static readonly OFFSET = { sport: 0, dport: 2, protocol: 4, spare: 5 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): Fragment6PortsRecord {
    return new Fragment6PortsRecord(new DataView(new ArrayBuffer(8)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 8)
  }

  /** Network byte order in memory, the plain number here. */
  get sport(): number {
    return this.view.getUint16(this.base + 0)
  }
  set sport(value: number) {
    this.view.setUint16(this.base + 0, value)
  }
  /** Network byte order in memory, the plain number here. */
  get dport(): number {
    return this.view.getUint16(this.base + 2)
  }
  set dport(value: number) {
    this.view.setUint16(this.base + 2, value)
  }
  get protocol(): number {
    return this.view.getUint8(this.base + 4)
  }
  set protocol(value: number) {
    this.view.setUint8(this.base + 4, value)
  }
  /** index < 3 */
  spare(index: number): number {
    return this.view.getUint8(this.base + 5 + index)
  }
  setSpare(index: number, value: number) {
    this.view.setUint8(this.base + 5 + index, value)
  }
  /** The 3 bytes themselves, not a copy. */
  spareBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 5, 3)
  }
}

/** `struct settings`, 448 bytes. */
export class SettingsRecord {
  static readonly SIZE = 448
  static readonly OFFSET = {
    layout: 0,
    journal: 4,
    order: 8,
    timeout: 16,
    netnsCookie: 144,
    attached: 152,
    manual: 160,
    trash: 164,
    serviceTop: 168,
    serverTop: 172,
    savedForwarding: 176,
    savedAcceptLocal: 180,
    savedForwarding6: 184,
    spare2: 188,
    sysctl: 192,
    stamp: 384,
    localPortLow: 388,
    localPortHigh: 390,
    markServices: 392,
    ftpServices: 396,
    portlessServices: 400,
    markRules: 404,
    serviceTimeouts: 408,
    secureTcp: 412,
    dropRate: 416,
    dropCount: 420,
    localServers: 424,
    spareWord: 428,
    backupUntil: 432,
    spare: 440,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): SettingsRecord {
    return new SettingsRecord(new DataView(new ArrayBuffer(448)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 448)
  }

  get layout(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set layout(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get journal(): number {
    return this.view.getUint32(this.base + 4, true)
  }
  set journal(value: number) {
    this.view.setUint32(this.base + 4, value, true)
  }
  get order(): bigint {
    return this.view.getBigUint64(this.base + 8, true)
  }
  set order(value: bigint) {
    this.view.setBigUint64(this.base + 8, value, true)
  }
  /** index < 32 */
  timeout(index: number): number {
    return this.view.getUint32(this.base + 16 + index * 4, true)
  }
  setTimeout(index: number, value: number) {
    this.view.setUint32(this.base + 16 + index * 4, value, true)
  }
  get netnsCookie(): bigint {
    return this.view.getBigUint64(this.base + 144, true)
  }
  set netnsCookie(value: bigint) {
    this.view.setBigUint64(this.base + 144, value, true)
  }
  get attached(): bigint {
    return this.view.getBigUint64(this.base + 152, true)
  }
  set attached(value: bigint) {
    this.view.setBigUint64(this.base + 152, value, true)
  }
  get manual(): number {
    return this.view.getUint32(this.base + 160, true)
  }
  set manual(value: number) {
    this.view.setUint32(this.base + 160, value, true)
  }
  get trash(): number {
    return this.view.getUint32(this.base + 164, true)
  }
  set trash(value: number) {
    this.view.setUint32(this.base + 164, value, true)
  }
  get serviceTop(): number {
    return this.view.getUint32(this.base + 168, true)
  }
  set serviceTop(value: number) {
    this.view.setUint32(this.base + 168, value, true)
  }
  get serverTop(): number {
    return this.view.getUint32(this.base + 172, true)
  }
  set serverTop(value: number) {
    this.view.setUint32(this.base + 172, value, true)
  }
  get savedForwarding(): number {
    return this.view.getUint32(this.base + 176, true)
  }
  set savedForwarding(value: number) {
    this.view.setUint32(this.base + 176, value, true)
  }
  get savedAcceptLocal(): number {
    return this.view.getUint32(this.base + 180, true)
  }
  set savedAcceptLocal(value: number) {
    this.view.setUint32(this.base + 180, value, true)
  }
  get savedForwarding6(): number {
    return this.view.getUint32(this.base + 184, true)
  }
  set savedForwarding6(value: number) {
    this.view.setUint32(this.base + 184, value, true)
  }
  get spare2(): number {
    return this.view.getUint32(this.base + 188, true)
  }
  set spare2(value: number) {
    this.view.setUint32(this.base + 188, value, true)
  }
  /** index < 48 */
  sysctl(index: number): number {
    return this.view.getUint32(this.base + 192 + index * 4, true)
  }
  setSysctl(index: number, value: number) {
    this.view.setUint32(this.base + 192 + index * 4, value, true)
  }
  get stamp(): number {
    return this.view.getUint32(this.base + 384, true)
  }
  set stamp(value: number) {
    this.view.setUint32(this.base + 384, value, true)
  }
  get localPortLow(): number {
    return this.view.getUint16(this.base + 388, true)
  }
  set localPortLow(value: number) {
    this.view.setUint16(this.base + 388, value, true)
  }
  get localPortHigh(): number {
    return this.view.getUint16(this.base + 390, true)
  }
  set localPortHigh(value: number) {
    this.view.setUint16(this.base + 390, value, true)
  }
  get markServices(): number {
    return this.view.getUint32(this.base + 392, true)
  }
  set markServices(value: number) {
    this.view.setUint32(this.base + 392, value, true)
  }
  get ftpServices(): number {
    return this.view.getUint32(this.base + 396, true)
  }
  set ftpServices(value: number) {
    this.view.setUint32(this.base + 396, value, true)
  }
  get portlessServices(): number {
    return this.view.getUint32(this.base + 400, true)
  }
  set portlessServices(value: number) {
    this.view.setUint32(this.base + 400, value, true)
  }
  get markRules(): number {
    return this.view.getUint32(this.base + 404, true)
  }
  set markRules(value: number) {
    this.view.setUint32(this.base + 404, value, true)
  }
  get serviceTimeouts(): number {
    return this.view.getUint32(this.base + 408, true)
  }
  set serviceTimeouts(value: number) {
    this.view.setUint32(this.base + 408, value, true)
  }
  get secureTcp(): number {
    return this.view.getUint32(this.base + 412, true)
  }
  set secureTcp(value: number) {
    this.view.setUint32(this.base + 412, value, true)
  }
  get dropRate(): number {
    return this.view.getUint32(this.base + 416, true)
  }
  set dropRate(value: number) {
    this.view.setUint32(this.base + 416, value, true)
  }
  get dropCount(): number {
    return this.view.getUint32(this.base + 420, true)
  }
  set dropCount(value: number) {
    this.view.setUint32(this.base + 420, value, true)
  }
  get localServers(): number {
    return this.view.getUint32(this.base + 424, true)
  }
  set localServers(value: number) {
    this.view.setUint32(this.base + 424, value, true)
  }
  get spareWord(): number {
    return this.view.getUint32(this.base + 428, true)
  }
  set spareWord(value: number) {
    this.view.setUint32(this.base + 428, value, true)
  }
  get backupUntil(): bigint {
    return this.view.getBigUint64(this.base + 432, true)
  }
  set backupUntil(value: bigint) {
    this.view.setBigUint64(this.base + 432, value, true)
  }
  get spare(): bigint {
    return this.view.getBigUint64(this.base + 440, true)
  }
  set spare(value: bigint) {
    this.view.setBigUint64(this.base + 440, value, true)
  }
}

/** `struct service_key`, 24 bytes. */
export class ServiceKeyRecord {
  static readonly SIZE = 24
  static readonly OFFSET = { address: 0, port: 16, protocol: 18, family: 19, fwmark: 20 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ServiceKeyRecord {
    return new ServiceKeyRecord(new DataView(new ArrayBuffer(24)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 24)
  }

  /** index < 16 */
  address(index: number): number {
    return this.view.getUint8(this.base + 0 + index)
  }
  setAddress(index: number, value: number) {
    this.view.setUint8(this.base + 0 + index, value)
  }
  /** The 16 bytes themselves, not a copy. */
  addressBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 0, 16)
  }
  /** Network byte order in memory, the plain number here. */
  get port(): number {
    return this.view.getUint16(this.base + 16)
  }
  set port(value: number) {
    this.view.setUint16(this.base + 16, value)
  }
  get protocol(): number {
    return this.view.getUint8(this.base + 18)
  }
  set protocol(value: number) {
    this.view.setUint8(this.base + 18, value)
  }
  get family(): number {
    return this.view.getUint8(this.base + 19)
  }
  set family(value: number) {
    this.view.setUint8(this.base + 19, value)
  }
  get fwmark(): number {
    return this.view.getUint32(this.base + 20, true)
  }
  set fwmark(value: number) {
    this.view.setUint32(this.base + 20, value, true)
  }
}

/** `struct service_options`, 40 bytes. */
export class ServiceOptionsRecord {
  static readonly SIZE = 40
  static readonly OFFSET = {
    scheduler: 0,
    flags: 4,
    persistence: 8,
    netmask: 12,
    prefix: 16,
    engine: 20,
    timeout: 24,
    spare: 36,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ServiceOptionsRecord {
    return new ServiceOptionsRecord(new DataView(new ArrayBuffer(40)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 40)
  }

  get scheduler(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set scheduler(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get flags(): number {
    return this.view.getUint32(this.base + 4, true)
  }
  set flags(value: number) {
    this.view.setUint32(this.base + 4, value, true)
  }
  get persistence(): number {
    return this.view.getUint32(this.base + 8, true)
  }
  set persistence(value: number) {
    this.view.setUint32(this.base + 8, value, true)
  }
  /** Network byte order in memory, the plain number here. */
  get netmask(): number {
    return this.view.getUint32(this.base + 12)
  }
  set netmask(value: number) {
    this.view.setUint32(this.base + 12, value)
  }
  get prefix(): number {
    return this.view.getUint32(this.base + 16, true)
  }
  set prefix(value: number) {
    this.view.setUint32(this.base + 16, value, true)
  }
  get engine(): number {
    return this.view.getUint32(this.base + 20, true)
  }
  set engine(value: number) {
    this.view.setUint32(this.base + 20, value, true)
  }
  /** index < 3 */
  timeout(index: number): number {
    return this.view.getUint32(this.base + 24 + index * 4, true)
  }
  setTimeout(index: number, value: number) {
    this.view.setUint32(this.base + 24 + index * 4, value, true)
  }
  get spare(): number {
    return this.view.getUint32(this.base + 36, true)
  }
  set spare(value: number) {
    this.view.setUint32(this.base + 36, value, true)
  }
}

/** `struct service`, 192 bytes. */
export class ServiceRecord {
  static readonly SIZE = 192
  static readonly OFFSET = {
    key: 0,
    slotState: 24,
    head: 28,
    version: 32,
    serverCount: 36,
    options: 40,
    order: 120,
    wrr: 128,
    locals: 136,
    spare: 152,
    cursor: 160,
    cacheStamp: 168,
    cached: 172,
    spareLine: 176,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ServiceRecord {
    return new ServiceRecord(new DataView(new ArrayBuffer(192)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 192)
  }

  get key(): ServiceKeyRecord {
    return new ServiceKeyRecord(this.view, this.base + 0)
  }
  get slotState(): number {
    return this.view.getUint32(this.base + 24, true)
  }
  set slotState(value: number) {
    this.view.setUint32(this.base + 24, value, true)
  }
  get head(): number {
    return this.view.getUint32(this.base + 28, true)
  }
  set head(value: number) {
    this.view.setUint32(this.base + 28, value, true)
  }
  get version(): number {
    return this.view.getUint32(this.base + 32, true)
  }
  set version(value: number) {
    this.view.setUint32(this.base + 32, value, true)
  }
  get serverCount(): number {
    return this.view.getUint32(this.base + 36, true)
  }
  set serverCount(value: number) {
    this.view.setUint32(this.base + 36, value, true)
  }
  /** index < 2 */
  options(index: number): ServiceOptionsRecord {
    return new ServiceOptionsRecord(this.view, this.base + 40 + index * 40)
  }
  get order(): bigint {
    return this.view.getBigUint64(this.base + 120, true)
  }
  set order(value: bigint) {
    this.view.setBigUint64(this.base + 120, value, true)
  }
  get wrr(): bigint {
    return this.view.getBigUint64(this.base + 128, true)
  }
  set wrr(value: bigint) {
    this.view.setBigUint64(this.base + 128, value, true)
  }
  /** index < 8 */
  locals(index: number): number {
    return this.view.getUint16(this.base + 136 + index * 2, true)
  }
  setLocals(index: number, value: number) {
    this.view.setUint16(this.base + 136 + index * 2, value, true)
  }
  get spare(): bigint {
    return this.view.getBigUint64(this.base + 152, true)
  }
  set spare(value: bigint) {
    this.view.setBigUint64(this.base + 152, value, true)
  }
  get cursor(): bigint {
    return this.view.getBigUint64(this.base + 160, true)
  }
  set cursor(value: bigint) {
    this.view.setBigUint64(this.base + 160, value, true)
  }
  get cacheStamp(): number {
    return this.view.getUint32(this.base + 168, true)
  }
  set cacheStamp(value: number) {
    this.view.setUint32(this.base + 168, value, true)
  }
  get cached(): number {
    return this.view.getUint32(this.base + 172, true)
  }
  set cached(value: number) {
    this.view.setUint32(this.base + 172, value, true)
  }
  /** index < 2 */
  spareLine(index: number): bigint {
    return this.view.getBigUint64(this.base + 176 + index * 8, true)
  }
  setSpareLine(index: number, value: bigint) {
    this.view.setBigUint64(this.base + 176 + index * 8, value, true)
  }
}

/** `struct server_options`, 40 bytes. */
export class ServerOptionsRecord {
  static readonly SIZE = 40
  static readonly OFFSET = {
    weight: 0,
    upper: 4,
    lower: 8,
    method: 12,
    tunnel: 13,
    tunnelFlags: 14,
    local: 15,
    tunnelPort: 16,
    clientAddress: 18,
    releasing: 19,
    spare3: 20,
    tunnelSource: 24,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ServerOptionsRecord {
    return new ServerOptionsRecord(new DataView(new ArrayBuffer(40)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 40)
  }

  get weight(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set weight(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get upper(): number {
    return this.view.getUint32(this.base + 4, true)
  }
  set upper(value: number) {
    this.view.setUint32(this.base + 4, value, true)
  }
  get lower(): number {
    return this.view.getUint32(this.base + 8, true)
  }
  set lower(value: number) {
    this.view.setUint32(this.base + 8, value, true)
  }
  get method(): number {
    return this.view.getUint8(this.base + 12)
  }
  set method(value: number) {
    this.view.setUint8(this.base + 12, value)
  }
  get tunnel(): number {
    return this.view.getUint8(this.base + 13)
  }
  set tunnel(value: number) {
    this.view.setUint8(this.base + 13, value)
  }
  get tunnelFlags(): number {
    return this.view.getUint8(this.base + 14)
  }
  set tunnelFlags(value: number) {
    this.view.setUint8(this.base + 14, value)
  }
  get local(): number {
    return this.view.getUint8(this.base + 15)
  }
  set local(value: number) {
    this.view.setUint8(this.base + 15, value)
  }
  /** Network byte order in memory, the plain number here. */
  get tunnelPort(): number {
    return this.view.getUint16(this.base + 16)
  }
  set tunnelPort(value: number) {
    this.view.setUint16(this.base + 16, value)
  }
  get clientAddress(): number {
    return this.view.getUint8(this.base + 18)
  }
  set clientAddress(value: number) {
    this.view.setUint8(this.base + 18, value)
  }
  get releasing(): number {
    return this.view.getUint8(this.base + 19)
  }
  set releasing(value: number) {
    this.view.setUint8(this.base + 19, value)
  }
  get spare3(): number {
    return this.view.getUint32(this.base + 20, true)
  }
  set spare3(value: number) {
    this.view.setUint32(this.base + 20, value, true)
  }
  /** index < 16 */
  tunnelSource(index: number): number {
    return this.view.getUint8(this.base + 24 + index)
  }
  setTunnelSource(index: number, value: number) {
    this.view.setUint8(this.base + 24 + index, value)
  }
  /** The 16 bytes themselves, not a copy. */
  tunnelSourceBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 24, 16)
  }
}

/** `struct server`, 168 bytes. */
export class ServerRecord {
  static readonly SIZE = 168
  static readonly OFFSET = {
    address: 0,
    port: 16,
    family: 18,
    slotState: 19,
    service: 20,
    next: 24,
    version: 28,
    options: 32,
    owner: 112,
    deleted: 136,
    active: 144,
    inactive: 148,
    persistent: 152,
    overloaded: 156,
    stamp: 160,
    lastWeight: 164,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ServerRecord {
    return new ServerRecord(new DataView(new ArrayBuffer(168)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 168)
  }

  /** index < 16 */
  address(index: number): number {
    return this.view.getUint8(this.base + 0 + index)
  }
  setAddress(index: number, value: number) {
    this.view.setUint8(this.base + 0 + index, value)
  }
  /** The 16 bytes themselves, not a copy. */
  addressBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 0, 16)
  }
  /** Network byte order in memory, the plain number here. */
  get port(): number {
    return this.view.getUint16(this.base + 16)
  }
  set port(value: number) {
    this.view.setUint16(this.base + 16, value)
  }
  get family(): number {
    return this.view.getUint8(this.base + 18)
  }
  set family(value: number) {
    this.view.setUint8(this.base + 18, value)
  }
  get slotState(): number {
    return this.view.getUint8(this.base + 19)
  }
  set slotState(value: number) {
    this.view.setUint8(this.base + 19, value)
  }
  get service(): number {
    return this.view.getUint32(this.base + 20, true)
  }
  set service(value: number) {
    this.view.setUint32(this.base + 20, value, true)
  }
  get next(): number {
    return this.view.getUint32(this.base + 24, true)
  }
  set next(value: number) {
    this.view.setUint32(this.base + 24, value, true)
  }
  get version(): number {
    return this.view.getUint32(this.base + 28, true)
  }
  set version(value: number) {
    this.view.setUint32(this.base + 28, value, true)
  }
  /** index < 2 */
  options(index: number): ServerOptionsRecord {
    return new ServerOptionsRecord(this.view, this.base + 32 + index * 40)
  }
  get owner(): ServiceKeyRecord {
    return new ServiceKeyRecord(this.view, this.base + 112)
  }
  get deleted(): bigint {
    return this.view.getBigUint64(this.base + 136, true)
  }
  set deleted(value: bigint) {
    this.view.setBigUint64(this.base + 136, value, true)
  }
  get active(): number {
    return this.view.getInt32(this.base + 144, true)
  }
  set active(value: number) {
    this.view.setInt32(this.base + 144, value, true)
  }
  get inactive(): number {
    return this.view.getInt32(this.base + 148, true)
  }
  set inactive(value: number) {
    this.view.setInt32(this.base + 148, value, true)
  }
  get persistent(): number {
    return this.view.getInt32(this.base + 152, true)
  }
  set persistent(value: number) {
    this.view.setInt32(this.base + 152, value, true)
  }
  get overloaded(): number {
    return this.view.getUint32(this.base + 156, true)
  }
  set overloaded(value: number) {
    this.view.setUint32(this.base + 156, value, true)
  }
  get stamp(): number {
    return this.view.getUint32(this.base + 160, true)
  }
  set stamp(value: number) {
    this.view.setUint32(this.base + 160, value, true)
  }
  get lastWeight(): number {
    return this.view.getUint32(this.base + 164, true)
  }
  set lastWeight(value: number) {
    this.view.setUint32(this.base + 164, value, true)
  }
}

/** `struct mark_rule`, 104 bytes. */
export class MarkRuleRecord {
  static readonly SIZE = 104
  static readonly OFFSET = {
    source: 0,
    sourceMask: 16,
    destination: 32,
    destinationMask: 48,
    mark: 64,
    ifindex: 68,
    sport: 72,
    dport: 76,
    protocol: 80,
    family: 81,
    spare: 82,
    device: 88,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): MarkRuleRecord {
    return new MarkRuleRecord(new DataView(new ArrayBuffer(104)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 104)
  }

  /** index < 4; network byte order in memory, the plain number here */
  source(index: number): number {
    return this.view.getUint32(this.base + 0 + index * 4)
  }
  setSource(index: number, value: number) {
    this.view.setUint32(this.base + 0 + index * 4, value)
  }
  /** index < 4; network byte order in memory, the plain number here */
  sourceMask(index: number): number {
    return this.view.getUint32(this.base + 16 + index * 4)
  }
  setSourceMask(index: number, value: number) {
    this.view.setUint32(this.base + 16 + index * 4, value)
  }
  /** index < 4; network byte order in memory, the plain number here */
  destination(index: number): number {
    return this.view.getUint32(this.base + 32 + index * 4)
  }
  setDestination(index: number, value: number) {
    this.view.setUint32(this.base + 32 + index * 4, value)
  }
  /** index < 4; network byte order in memory, the plain number here */
  destinationMask(index: number): number {
    return this.view.getUint32(this.base + 48 + index * 4)
  }
  setDestinationMask(index: number, value: number) {
    this.view.setUint32(this.base + 48 + index * 4, value)
  }
  get mark(): number {
    return this.view.getUint32(this.base + 64, true)
  }
  set mark(value: number) {
    this.view.setUint32(this.base + 64, value, true)
  }
  get ifindex(): number {
    return this.view.getUint32(this.base + 68, true)
  }
  set ifindex(value: number) {
    this.view.setUint32(this.base + 68, value, true)
  }
  /** index < 2 */
  sport(index: number): number {
    return this.view.getUint16(this.base + 72 + index * 2, true)
  }
  setSport(index: number, value: number) {
    this.view.setUint16(this.base + 72 + index * 2, value, true)
  }
  /** index < 2 */
  dport(index: number): number {
    return this.view.getUint16(this.base + 76 + index * 2, true)
  }
  setDport(index: number, value: number) {
    this.view.setUint16(this.base + 76 + index * 2, value, true)
  }
  get protocol(): number {
    return this.view.getUint8(this.base + 80)
  }
  set protocol(value: number) {
    this.view.setUint8(this.base + 80, value)
  }
  get family(): number {
    return this.view.getUint8(this.base + 81)
  }
  set family(value: number) {
    this.view.setUint8(this.base + 81, value)
  }
  /** index < 6 */
  spare(index: number): number {
    return this.view.getUint8(this.base + 82 + index)
  }
  setSpare(index: number, value: number) {
    this.view.setUint8(this.base + 82 + index, value)
  }
  /** The 6 bytes themselves, not a copy. */
  spareBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 82, 6)
  }
  /** index < 16 */
  device(index: number): number {
    return this.view.getUint8(this.base + 88 + index)
  }
  setDevice(index: number, value: number) {
    this.view.setUint8(this.base + 88 + index, value)
  }
  /** The 16 bytes themselves, not a copy. */
  deviceBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 88, 16)
  }
}

/** `struct locality_keeper`, 32 bytes. */
export class LocalityKeeperRecord {
  static readonly SIZE = 32
  static readonly OFFSET = { timer: 0, entries: 16, ticks: 24 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): LocalityKeeperRecord {
    return new LocalityKeeperRecord(new DataView(new ArrayBuffer(32)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 32)
  }

  // timer: struct bpf_timer at 0, 16 bytes, user space leaves it alone
  get entries(): bigint {
    return this.view.getBigUint64(this.base + 16, true)
  }
  set entries(value: bigint) {
    this.view.setBigUint64(this.base + 16, value, true)
  }
  get ticks(): bigint {
    return this.view.getBigUint64(this.base + 24, true)
  }
  set ticks(value: bigint) {
    this.view.setBigUint64(this.base + 24, value, true)
  }
}

/** `struct local_address`, 32 bytes. */
export class LocalAddressRecord {
  static readonly SIZE = 32
  static readonly OFFSET = { address: 0, family: 16, slotState: 17, services: 18, connections: 20, spare: 24 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): LocalAddressRecord {
    return new LocalAddressRecord(new DataView(new ArrayBuffer(32)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 32)
  }

  /** index < 16 */
  address(index: number): number {
    return this.view.getUint8(this.base + 0 + index)
  }
  setAddress(index: number, value: number) {
    this.view.setUint8(this.base + 0 + index, value)
  }
  /** The 16 bytes themselves, not a copy. */
  addressBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 0, 16)
  }
  get family(): number {
    return this.view.getUint8(this.base + 16)
  }
  set family(value: number) {
    this.view.setUint8(this.base + 16, value)
  }
  get slotState(): number {
    return this.view.getUint8(this.base + 17)
  }
  set slotState(value: number) {
    this.view.setUint8(this.base + 17, value)
  }
  get services(): number {
    return this.view.getUint16(this.base + 18, true)
  }
  set services(value: number) {
    this.view.setUint16(this.base + 18, value, true)
  }
  get connections(): number {
    return this.view.getInt32(this.base + 20, true)
  }
  set connections(value: number) {
    this.view.setInt32(this.base + 20, value, true)
  }
  get spare(): bigint {
    return this.view.getBigUint64(this.base + 24, true)
  }
  set spare(value: bigint) {
    this.view.setBigUint64(this.base + 24, value, true)
  }
}

/** `struct rates`, 88 bytes. */
export class RatesRecord {
  static readonly SIZE = 88
  static readonly OFFSET = { last: 0, average: 40, reset: 80, seen: 84 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): RatesRecord {
    return new RatesRecord(new DataView(new ArrayBuffer(88)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 88)
  }

  get last(): CountersRecord {
    return new CountersRecord(this.view, this.base + 0)
  }
  get average(): CountersRecord {
    return new CountersRecord(this.view, this.base + 40)
  }
  get reset(): number {
    return this.view.getUint32(this.base + 80, true)
  }
  set reset(value: number) {
    this.view.setUint32(this.base + 80, value, true)
  }
  get seen(): number {
    return this.view.getUint32(this.base + 84, true)
  }
  set seen(value: number) {
    this.view.setUint32(this.base + 84, value, true)
  }
}

/** `struct flow4`, 16 bytes. */
export class Flow4Record {
  static readonly SIZE = 16
  static readonly OFFSET = { saddr: 0, daddr: 4, sport: 8, dport: 10, protocol: 12, kind: 13, spare: 14 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): Flow4Record {
    return new Flow4Record(new DataView(new ArrayBuffer(16)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 16)
  }

  /** Network byte order in memory, the plain number here. */
  get saddr(): number {
    return this.view.getUint32(this.base + 0)
  }
  set saddr(value: number) {
    this.view.setUint32(this.base + 0, value)
  }
  /** Network byte order in memory, the plain number here. */
  get daddr(): number {
    return this.view.getUint32(this.base + 4)
  }
  set daddr(value: number) {
    this.view.setUint32(this.base + 4, value)
  }
  /** Network byte order in memory, the plain number here. */
  get sport(): number {
    return this.view.getUint16(this.base + 8)
  }
  set sport(value: number) {
    this.view.setUint16(this.base + 8, value)
  }
  /** Network byte order in memory, the plain number here. */
  get dport(): number {
    return this.view.getUint16(this.base + 10)
  }
  set dport(value: number) {
    this.view.setUint16(this.base + 10, value)
  }
  get protocol(): number {
    return this.view.getUint8(this.base + 12)
  }
  set protocol(value: number) {
    this.view.setUint8(this.base + 12, value)
  }
  get kind(): number {
    return this.view.getUint8(this.base + 13)
  }
  set kind(value: number) {
    this.view.setUint8(this.base + 13, value)
  }
  get spare(): number {
    return this.view.getUint16(this.base + 14, true)
  }
  set spare(value: number) {
    this.view.setUint16(this.base + 14, value, true)
  }
}

/** `struct flow_entry`, 8 bytes. */
export class FlowEntryRecord {
  static readonly SIZE = 8
  static readonly OFFSET = { connection: 0, tag: 4 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): FlowEntryRecord {
    return new FlowEntryRecord(new DataView(new ArrayBuffer(8)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 8)
  }

  get connection(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set connection(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get tag(): number {
    return this.view.getUint32(this.base + 4, true)
  }
  set tag(value: number) {
    this.view.setUint32(this.base + 4, value, true)
  }
}

/** `struct ftp_scratch`, 464 bytes. */
export class FtpScratchRecord {
  static readonly SIZE = 464
  static readonly OFFSET = {
    in: 0,
    out: 128,
    number: 256,
    count: 288,
    digits: 292,
    start: 296,
    end: 300,
    length: 304,
    written: 308,
    expected: 312,
    opening: 336,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): FtpScratchRecord {
    return new FtpScratchRecord(new DataView(new ArrayBuffer(464)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 464)
  }

  /** index < 128 */
  in(index: number): number {
    return this.view.getUint8(this.base + 0 + index)
  }
  setIn(index: number, value: number) {
    this.view.setUint8(this.base + 0 + index, value)
  }
  /** The 128 bytes themselves, not a copy. */
  inBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 0, 128)
  }
  /** index < 128 */
  out(index: number): number {
    return this.view.getUint8(this.base + 128 + index)
  }
  setOut(index: number, value: number) {
    this.view.setUint8(this.base + 128 + index, value)
  }
  /** The 128 bytes themselves, not a copy. */
  outBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 128, 128)
  }
  /** index < 8 */
  number(index: number): number {
    return this.view.getUint32(this.base + 256 + index * 4, true)
  }
  setNumber(index: number, value: number) {
    this.view.setUint32(this.base + 256 + index * 4, value, true)
  }
  get count(): number {
    return this.view.getUint32(this.base + 288, true)
  }
  set count(value: number) {
    this.view.setUint32(this.base + 288, value, true)
  }
  get digits(): number {
    return this.view.getUint32(this.base + 292, true)
  }
  set digits(value: number) {
    this.view.setUint32(this.base + 292, value, true)
  }
  get start(): number {
    return this.view.getUint32(this.base + 296, true)
  }
  set start(value: number) {
    this.view.setUint32(this.base + 296, value, true)
  }
  get end(): number {
    return this.view.getUint32(this.base + 300, true)
  }
  set end(value: number) {
    this.view.setUint32(this.base + 300, value, true)
  }
  get length(): number {
    return this.view.getUint32(this.base + 304, true)
  }
  set length(value: number) {
    this.view.setUint32(this.base + 304, value, true)
  }
  get written(): number {
    return this.view.getUint32(this.base + 308, true)
  }
  set written(value: number) {
    this.view.setUint32(this.base + 308, value, true)
  }
  get expected(): ExpectationRecord {
    return new ExpectationRecord(this.view, this.base + 312)
  }
  /** index < 16 */
  opening(index: number): bigint {
    return this.view.getBigUint64(this.base + 336 + index * 8, true)
  }
  setOpening(index: number, value: bigint) {
    this.view.setBigUint64(this.base + 336 + index * 8, value, true)
  }
}

/** `struct wheel_hand`, 56 bytes. */
export class WheelHandRecord {
  static readonly SIZE = 56
  static readonly OFFSET = {
    timer: 0,
    tick: 16,
    row: 24,
    reference: 28,
    now: 32,
    busy: 40,
    spare: 44,
    defence: 48,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): WheelHandRecord {
    return new WheelHandRecord(new DataView(new ArrayBuffer(56)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 56)
  }

  // timer: struct bpf_timer at 0, 16 bytes, user space leaves it alone
  get tick(): bigint {
    return this.view.getBigUint64(this.base + 16, true)
  }
  set tick(value: bigint) {
    this.view.setBigUint64(this.base + 16, value, true)
  }
  get row(): number {
    return this.view.getUint32(this.base + 24, true)
  }
  set row(value: number) {
    this.view.setUint32(this.base + 24, value, true)
  }
  get reference(): number {
    return this.view.getUint32(this.base + 28, true)
  }
  set reference(value: number) {
    this.view.setUint32(this.base + 28, value, true)
  }
  get now(): bigint {
    return this.view.getBigUint64(this.base + 32, true)
  }
  set now(value: bigint) {
    this.view.setBigUint64(this.base + 32, value, true)
  }
  get busy(): number {
    return this.view.getUint32(this.base + 40, true)
  }
  set busy(value: number) {
    this.view.setUint32(this.base + 40, value, true)
  }
  get spare(): number {
    return this.view.getUint32(this.base + 44, true)
  }
  set spare(value: number) {
    this.view.setUint32(this.base + 44, value, true)
  }
  get defence(): bigint {
    return this.view.getBigUint64(this.base + 48, true)
  }
  set defence(value: bigint) {
    this.view.setBigUint64(this.base + 48, value, true)
  }
}

/** `struct picked`, 72 bytes. */
export class PickedRecord {
  static readonly SIZE = 72
  static readonly OFFSET = { connection: 0, service: 64, spare: 68 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): PickedRecord {
    return new PickedRecord(new DataView(new ArrayBuffer(72)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 72)
  }

  get connection(): ConnectionRecord {
    return new ConnectionRecord(this.view, this.base + 0)
  }
  get service(): number {
    return this.view.getUint32(this.base + 64, true)
  }
  set service(value: number) {
    this.view.setUint32(this.base + 64, value, true)
  }
  get spare(): number {
    return this.view.getUint32(this.base + 68, true)
  }
  set spare(value: number) {
    this.view.setUint32(this.base + 68, value, true)
  }
}

/** `struct icmp_budget`, 16 bytes. */
export class IcmpBudgetRecord {
  static readonly SIZE = 16
  static readonly OFFSET = { second: 0, sent: 8 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): IcmpBudgetRecord {
    return new IcmpBudgetRecord(new DataView(new ArrayBuffer(16)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 16)
  }

  get second(): bigint {
    return this.view.getBigUint64(this.base + 0, true)
  }
  set second(value: bigint) {
    this.view.setBigUint64(this.base + 0, value, true)
  }
  get sent(): bigint {
    return this.view.getBigUint64(this.base + 8, true)
  }
  set sent(value: bigint) {
    this.view.setBigUint64(this.base + 8, value, true)
  }
}

/** `struct opening_budget`, 16 bytes. */
export class OpeningBudgetRecord {
  static readonly SIZE = 16
  static readonly OFFSET = { second: 0, begun: 8 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): OpeningBudgetRecord {
    return new OpeningBudgetRecord(new DataView(new ArrayBuffer(16)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 16)
  }

  get second(): bigint {
    return this.view.getBigUint64(this.base + 0, true)
  }
  set second(value: bigint) {
    this.view.setBigUint64(this.base + 0, value, true)
  }
  get begun(): bigint {
    return this.view.getBigUint64(this.base + 8, true)
  }
  set begun(value: bigint) {
    this.view.setBigUint64(this.base + 8, value, true)
  }
}

/** `struct attachment`, 24 bytes. */
export class AttachmentRecord {
  static readonly SIZE = 24
  static readonly OFFSET = { hook: 0, ownQdisc: 4, since: 8, output: 16, fast: 20, asked: 21, fixed: 22 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): AttachmentRecord {
    return new AttachmentRecord(new DataView(new ArrayBuffer(24)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 24)
  }

  get hook(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set hook(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get ownQdisc(): number {
    return this.view.getUint32(this.base + 4, true)
  }
  set ownQdisc(value: number) {
    this.view.setUint32(this.base + 4, value, true)
  }
  get since(): bigint {
    return this.view.getBigUint64(this.base + 8, true)
  }
  set since(value: bigint) {
    this.view.setBigUint64(this.base + 8, value, true)
  }
  get output(): number {
    return this.view.getUint32(this.base + 16, true)
  }
  set output(value: number) {
    this.view.setUint32(this.base + 16, value, true)
  }
  get fast(): number {
    return this.view.getUint8(this.base + 20)
  }
  set fast(value: number) {
    this.view.setUint8(this.base + 20, value)
  }
  get asked(): number {
    return this.view.getUint8(this.base + 21)
  }
  set asked(value: number) {
    this.view.setUint8(this.base + 21, value)
  }
  get fixed(): number {
    return this.view.getUint16(this.base + 22, true)
  }
  set fixed(value: number) {
    this.view.setUint16(this.base + 22, value, true)
  }
}

/** `struct fast_device`, 16 bytes. */
export class FastDeviceRecord {
  static readonly SIZE = 16
  static readonly OFFSET = { ifindex: 0, address: 4, takes: 10, needs: 11, spare: 12 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): FastDeviceRecord {
    return new FastDeviceRecord(new DataView(new ArrayBuffer(16)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 16)
  }

  get ifindex(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set ifindex(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  /** index < 6 */
  address(index: number): number {
    return this.view.getUint8(this.base + 4 + index)
  }
  setAddress(index: number, value: number) {
    this.view.setUint8(this.base + 4 + index, value)
  }
  /** The 6 bytes themselves, not a copy. */
  addressBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 4, 6)
  }
  get takes(): number {
    return this.view.getUint8(this.base + 10)
  }
  set takes(value: number) {
    this.view.setUint8(this.base + 10, value)
  }
  get needs(): number {
    return this.view.getUint8(this.base + 11)
  }
  set needs(value: number) {
    this.view.setUint8(this.base + 11, value)
  }
  get spare(): number {
    return this.view.getUint32(this.base + 12, true)
  }
  set spare(value: number) {
    this.view.setUint32(this.base + 12, value, true)
  }
}

/** `struct self`, 40 bytes. */
export class SelfRecord {
  static readonly SIZE = 40
  static readonly OFFSET = { generation: 0, spare: 4, object: 8 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): SelfRecord {
    return new SelfRecord(new DataView(new ArrayBuffer(40)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 40)
  }

  get generation(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set generation(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get spare(): number {
    return this.view.getUint32(this.base + 4, true)
  }
  set spare(value: number) {
    this.view.setUint32(this.base + 4, value, true)
  }
  /** index < 32 */
  object(index: number): number {
    return this.view.getUint8(this.base + 8 + index)
  }
  setObject(index: number, value: number) {
    this.view.setUint8(this.base + 8 + index, value)
  }
  /** The 32 bytes themselves, not a copy. */
  objectBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 8, 32)
  }
}

/** `struct vocabulary`, 104 bytes. */
export class VocabularyRecord {
  static readonly SIZE = 104
  static readonly OFFSET = {
    protocol: 0,
    family: 4,
    scheduler: 8,
    method: 12,
    tunnel: 16,
    serviceFlag: 20,
    slot: 24,
    state: 28,
    status: 32,
    kind: 36,
    template: 40,
    side: 44,
    drop: 48,
    event: 52,
    hook: 56,
    fast: 60,
    fix: 64,
    fastDevice: 68,
    sysctl: 72,
    engine: 76,
    timeout: 80,
    tunnelFlag: 84,
    clientAddress: 88,
    arrival: 92,
    hold: 96,
    successor: 100,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): VocabularyRecord {
    return new VocabularyRecord(new DataView(new ArrayBuffer(104)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 104)
  }

  get protocol(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set protocol(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get family(): number {
    return this.view.getUint32(this.base + 4, true)
  }
  set family(value: number) {
    this.view.setUint32(this.base + 4, value, true)
  }
  get scheduler(): number {
    return this.view.getUint32(this.base + 8, true)
  }
  set scheduler(value: number) {
    this.view.setUint32(this.base + 8, value, true)
  }
  get method(): number {
    return this.view.getUint32(this.base + 12, true)
  }
  set method(value: number) {
    this.view.setUint32(this.base + 12, value, true)
  }
  get tunnel(): number {
    return this.view.getUint32(this.base + 16, true)
  }
  set tunnel(value: number) {
    this.view.setUint32(this.base + 16, value, true)
  }
  get serviceFlag(): number {
    return this.view.getUint32(this.base + 20, true)
  }
  set serviceFlag(value: number) {
    this.view.setUint32(this.base + 20, value, true)
  }
  get slot(): number {
    return this.view.getUint32(this.base + 24, true)
  }
  set slot(value: number) {
    this.view.setUint32(this.base + 24, value, true)
  }
  get state(): number {
    return this.view.getUint32(this.base + 28, true)
  }
  set state(value: number) {
    this.view.setUint32(this.base + 28, value, true)
  }
  get status(): number {
    return this.view.getUint32(this.base + 32, true)
  }
  set status(value: number) {
    this.view.setUint32(this.base + 32, value, true)
  }
  get kind(): number {
    return this.view.getUint32(this.base + 36, true)
  }
  set kind(value: number) {
    this.view.setUint32(this.base + 36, value, true)
  }
  get template(): number {
    return this.view.getUint32(this.base + 40, true)
  }
  set template(value: number) {
    this.view.setUint32(this.base + 40, value, true)
  }
  get side(): number {
    return this.view.getUint32(this.base + 44, true)
  }
  set side(value: number) {
    this.view.setUint32(this.base + 44, value, true)
  }
  get drop(): number {
    return this.view.getUint32(this.base + 48, true)
  }
  set drop(value: number) {
    this.view.setUint32(this.base + 48, value, true)
  }
  get event(): number {
    return this.view.getUint32(this.base + 52, true)
  }
  set event(value: number) {
    this.view.setUint32(this.base + 52, value, true)
  }
  get hook(): number {
    return this.view.getUint32(this.base + 56, true)
  }
  set hook(value: number) {
    this.view.setUint32(this.base + 56, value, true)
  }
  get fast(): number {
    return this.view.getUint32(this.base + 60, true)
  }
  set fast(value: number) {
    this.view.setUint32(this.base + 60, value, true)
  }
  get fix(): number {
    return this.view.getUint32(this.base + 64, true)
  }
  set fix(value: number) {
    this.view.setUint32(this.base + 64, value, true)
  }
  get fastDevice(): number {
    return this.view.getUint32(this.base + 68, true)
  }
  set fastDevice(value: number) {
    this.view.setUint32(this.base + 68, value, true)
  }
  get sysctl(): number {
    return this.view.getUint32(this.base + 72, true)
  }
  set sysctl(value: number) {
    this.view.setUint32(this.base + 72, value, true)
  }
  get engine(): number {
    return this.view.getUint32(this.base + 76, true)
  }
  set engine(value: number) {
    this.view.setUint32(this.base + 76, value, true)
  }
  get timeout(): number {
    return this.view.getUint32(this.base + 80, true)
  }
  set timeout(value: number) {
    this.view.setUint32(this.base + 80, value, true)
  }
  get tunnelFlag(): number {
    return this.view.getUint32(this.base + 84, true)
  }
  set tunnelFlag(value: number) {
    this.view.setUint32(this.base + 84, value, true)
  }
  get clientAddress(): number {
    return this.view.getUint32(this.base + 88, true)
  }
  set clientAddress(value: number) {
    this.view.setUint32(this.base + 88, value, true)
  }
  get arrival(): number {
    return this.view.getUint32(this.base + 92, true)
  }
  set arrival(value: number) {
    this.view.setUint32(this.base + 92, value, true)
  }
  get hold(): number {
    return this.view.getUint32(this.base + 96, true)
  }
  set hold(value: number) {
    this.view.setUint32(this.base + 96, value, true)
  }
  get successor(): number {
    return this.view.getUint32(this.base + 100, true)
  }
  set successor(value: number) {
    this.view.setUint32(this.base + 100, value, true)
  }
}

/** `section .data.turn`, 16 bytes. */
export class DataTurnRecord {
  static readonly SIZE = 16
  static readonly OFFSET = { turn: 0 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): DataTurnRecord {
    return new DataTurnRecord(new DataView(new ArrayBuffer(16)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 16)
  }

  get turn(): TurnRecord {
    return new TurnRecord(this.view, this.base + 0)
  }
}

/** `section .rodata`, 1332 bytes. */
export class RodataRecord {
  static readonly SIZE = 1332
  static readonly OFFSET = {
    vocabulary: 0,
    sctpEvents: 104,
    crc32cZeros: 120,
    localityFresh: 188,
    sctpTransitions: 468,
    tcpSecuredTransitions: 948,
    tcpTransitions: 1140,
  } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): RodataRecord {
    return new RodataRecord(new DataView(new ArrayBuffer(1332)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 1332)
  }

  get vocabulary(): VocabularyRecord {
    return new VocabularyRecord(this.view, this.base + 0)
  }
  /** index < 15 */
  sctpEvents(index: number): number {
    return this.view.getUint8(this.base + 104 + index)
  }
  setSctpEvents(index: number, value: number) {
    this.view.setUint8(this.base + 104 + index, value)
  }
  /** The 15 bytes themselves, not a copy. */
  sctpEventsBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 104, 15)
  }
  /** index < 17 */
  crc32cZeros(index: number): number {
    return this.view.getUint32(this.base + 120 + index * 4, true)
  }
  setCrc32cZeros(index: number, value: number) {
    this.view.setUint32(this.base + 120 + index * 4, value, true)
  }
  /** index < 280 */
  localityFresh(index: number): number {
    return this.view.getUint8(this.base + 188 + index)
  }
  setLocalityFresh(index: number, value: number) {
    this.view.setUint8(this.base + 188 + index, value)
  }
  /** The 280 bytes themselves, not a copy. */
  localityFreshBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 188, 280)
  }
  /** index < 480 */
  sctpTransitions(index: number): number {
    return this.view.getUint8(this.base + 468 + index)
  }
  setSctpTransitions(index: number, value: number) {
    this.view.setUint8(this.base + 468 + index, value)
  }
  /** The 480 bytes themselves, not a copy. */
  sctpTransitionsBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 468, 480)
  }
  /** index < 192 */
  tcpSecuredTransitions(index: number): number {
    return this.view.getUint8(this.base + 948 + index)
  }
  setTcpSecuredTransitions(index: number, value: number) {
    this.view.setUint8(this.base + 948 + index, value)
  }
  /** The 192 bytes themselves, not a copy. */
  tcpSecuredTransitionsBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 948, 192)
  }
  /** index < 192 */
  tcpTransitions(index: number): number {
    return this.view.getUint8(this.base + 1140 + index)
  }
  setTcpTransitions(index: number, value: number) {
    this.view.setUint8(this.base + 1140 + index, value)
  }
  /** The 192 bytes themselves, not a copy. */
  tcpTransitionsBytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base + 1140, 192)
  }
}

/** `section .rodata.loader`, 16 bytes. */
export class RodataLoaderRecord {
  static readonly SIZE = 16
  static readonly OFFSET = { generation: 0, fibGivesSource: 4, cpus: 8, estimatorRows: 12 } as const

  /** The record at byte `base` of `view`; reads and writes go through, nothing is copied. */
  constructor(
    readonly view: DataView,
    readonly base: number,
  ) {}

  /** A record of zeros in memory of its own. */
  static allocate(): RodataLoaderRecord {
    return new RodataLoaderRecord(new DataView(new ArrayBuffer(16)), 0)
  }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, 16)
  }

  get generation(): number {
    return this.view.getUint32(this.base + 0, true)
  }
  set generation(value: number) {
    this.view.setUint32(this.base + 0, value, true)
  }
  get fibGivesSource(): number {
    return this.view.getUint8(this.base + 4)
  }
  set fibGivesSource(value: number) {
    this.view.setUint8(this.base + 4, value)
  }
  get cpus(): number {
    return this.view.getUint32(this.base + 8, true)
  }
  set cpus(value: number) {
    this.view.setUint32(this.base + 8, value, true)
  }
  get estimatorRows(): number {
    return this.view.getUint32(this.base + 12, true)
  }
  set estimatorRows(value: number) {
    this.view.setUint32(this.base + 12, value, true)
  }
}

/** One map of the object, as its C declaration has it; the loader may create it with other `maxEntries`. */
export interface MapLayout {
  /** The C name. */
  readonly name: string
  /** `enum bpf_map_type`. */
  readonly type: number
  /** Bytes. */
  readonly keySize: number
  /** Bytes. */
  readonly valueSize: number
  readonly maxEntries: number
  /** `BPF_F_…`. */
  readonly flags: number
  /** The record class of a key, or the scalar: `u32`, `be16`, … */
  readonly key: string
  readonly value: string
}

/** The object's maps. */
export const maps = {
  streams: {
    name: 'streams',
    type: 1,
    keySize: 4,
    valueSize: 48,
    maxEntries: 65536,
    flags: 1,
    key: 'u32',
    value: 'StreamRecord',
  },
  watermarks: {
    name: 'watermarks',
    type: 2,
    keySize: 4,
    valueSize: 16,
    maxEntries: 2,
    flags: 1024,
    key: 'u32',
    value: 'WatermarkRecord',
  },
  arrivals: {
    name: 'arrivals',
    type: 2,
    keySize: 4,
    valueSize: 72,
    maxEntries: 256,
    flags: 1024,
    key: 'u32',
    value: 'ArrivalRecord',
  },
  expectations: {
    name: 'expectations',
    type: 9,
    keySize: 36,
    valueSize: 24,
    maxEntries: 4096,
    flags: 0,
    key: 'ExpectationKeyRecord',
    value: 'ExpectationRecord',
  },
  connections6: {
    name: 'connections6',
    type: 2,
    keySize: 4,
    valueSize: 96,
    maxEntries: 65537,
    flags: 1024,
    key: 'u32',
    value: 'Connection6Record',
  },
  callScratch: {
    name: 'call_scratch',
    type: 6,
    keySize: 4,
    valueSize: 2348,
    maxEntries: 1,
    flags: 0,
    key: 'u32',
    value: 'CallScratchRecord',
  },
  estimator: {
    name: 'estimator',
    type: 2,
    keySize: 4,
    valueSize: 72,
    maxEntries: 1,
    flags: 0,
    key: 'u32',
    value: 'EstimatorRecord',
  },
  localities: {
    name: 'localities',
    type: 1,
    keySize: 24,
    valueSize: 280,
    maxEntries: 65536,
    flags: 1,
    key: 'LocalityKeyRecord',
    value: 'LocalityRecord',
  },
  maglev: {
    name: 'maglev',
    type: 1,
    keySize: 4,
    valueSize: 8186,
    maxEntries: 16384,
    flags: 1,
    key: 'u32',
    value: 'MaglevRecord',
  },
  fragments4: {
    name: 'fragments4',
    type: 9,
    keySize: 12,
    valueSize: 4,
    maxEntries: 8192,
    flags: 0,
    key: 'FragmentKeyRecord',
    value: 'FragmentPortsRecord',
  },
  fragments6: {
    name: 'fragments6',
    type: 9,
    keySize: 36,
    valueSize: 8,
    maxEntries: 8192,
    flags: 0,
    key: 'Fragment6KeyRecord',
    value: 'Fragment6PortsRecord',
  },
  successors: {
    name: 'successors',
    type: 3,
    keySize: 4,
    valueSize: 4,
    maxEntries: 2,
    flags: 0,
    key: 'u32',
    value: 'u32',
  },
  settings: {
    name: 'settings',
    type: 2,
    keySize: 4,
    valueSize: 448,
    maxEntries: 1,
    flags: 1024,
    key: 'u32',
    value: 'SettingsRecord',
  },
  serviceIndex: {
    name: 'service_index',
    type: 1,
    keySize: 24,
    valueSize: 4,
    maxEntries: 16384,
    flags: 1,
    key: 'ServiceKeyRecord',
    value: 'u32',
  },
  services: {
    name: 'services',
    type: 2,
    keySize: 4,
    valueSize: 192,
    maxEntries: 16384,
    flags: 1024,
    key: 'u32',
    value: 'ServiceRecord',
  },
  servers: {
    name: 'servers',
    type: 2,
    keySize: 4,
    valueSize: 168,
    maxEntries: 65536,
    flags: 1024,
    key: 'u32',
    value: 'ServerRecord',
  },
  markRules: {
    name: 'mark_rules',
    type: 2,
    keySize: 4,
    valueSize: 104,
    maxEntries: 512,
    flags: 1024,
    key: 'u32',
    value: 'MarkRuleRecord',
  },
  localityKeeper: {
    name: 'locality_keeper',
    type: 2,
    keySize: 4,
    valueSize: 32,
    maxEntries: 1,
    flags: 0,
    key: 'u32',
    value: 'LocalityKeeperRecord',
  },
  localAddresses: {
    name: 'local_addresses',
    type: 2,
    keySize: 4,
    valueSize: 32,
    maxEntries: 1024,
    flags: 1024,
    key: 'u32',
    value: 'LocalAddressRecord',
  },
  counters: {
    name: 'counters',
    type: 2,
    keySize: 4,
    valueSize: 40,
    maxEntries: 81920,
    flags: 1024,
    key: 'u32',
    value: 'CountersRecord',
  },
  counterBases: {
    name: 'counter_bases',
    type: 2,
    keySize: 4,
    valueSize: 40,
    maxEntries: 81920,
    flags: 1024,
    key: 'u32',
    value: 'CountersRecord',
  },
  rates: {
    name: 'rates',
    type: 2,
    keySize: 4,
    valueSize: 88,
    maxEntries: 81920,
    flags: 1024,
    key: 'u32',
    value: 'RatesRecord',
  },
  tallies: {
    name: 'tallies',
    type: 2,
    keySize: 4,
    valueSize: 8,
    maxEntries: 64,
    flags: 1024,
    key: 'u32',
    value: 'u64',
  },
  flows4: {
    name: 'flows4',
    type: 1,
    keySize: 16,
    valueSize: 8,
    maxEntries: 131072,
    flags: 0,
    key: 'Flow4Record',
    value: 'FlowEntryRecord',
  },
  flows6: {
    name: 'flows6',
    type: 1,
    keySize: 40,
    valueSize: 8,
    maxEntries: 131072,
    flags: 1,
    key: 'FlowRecord',
    value: 'FlowEntryRecord',
  },
  connections4: {
    name: 'connections4',
    type: 2,
    keySize: 4,
    valueSize: 64,
    maxEntries: 65537,
    flags: 1024,
    key: 'u32',
    value: 'ConnectionRecord',
  },
  ftpScratch: {
    name: 'ftp_scratch',
    type: 6,
    keySize: 4,
    valueSize: 464,
    maxEntries: 1,
    flags: 0,
    key: 'u32',
    value: 'FtpScratchRecord',
  },
  free4: { name: 'free4', type: 23, keySize: 0, valueSize: 4, maxEntries: 65536, flags: 0, key: 'bytes', value: 'u32' },
  free6: { name: 'free6', type: 23, keySize: 0, valueSize: 4, maxEntries: 65536, flags: 0, key: 'bytes', value: 'u32' },
  wheel: { name: 'wheel', type: 2, keySize: 4, valueSize: 4, maxEntries: 1024, flags: 0, key: 'u32', value: 'u32' },
  wheelHands: {
    name: 'wheel_hands',
    type: 2,
    keySize: 4,
    valueSize: 56,
    maxEntries: 1,
    flags: 0,
    key: 'u32',
    value: 'WheelHandRecord',
  },
  calls: {
    name: 'calls',
    type: 1,
    keySize: 300,
    valueSize: 8,
    maxEntries: 65536,
    flags: 1,
    key: 'CallKeyRecord',
    value: 'FlowEntryRecord',
  },
  callNames: {
    name: 'call_names',
    type: 1,
    keySize: 4,
    valueSize: 300,
    maxEntries: 65536,
    flags: 1,
    key: 'u32',
    value: 'CallKeyRecord',
  },
  picked: {
    name: 'picked',
    type: 6,
    keySize: 4,
    valueSize: 72,
    maxEntries: 1,
    flags: 0,
    key: 'u32',
    value: 'PickedRecord',
  },
  icmpBudgets: {
    name: 'icmp_budgets',
    type: 6,
    keySize: 4,
    valueSize: 16,
    maxEntries: 1,
    flags: 0,
    key: 'u32',
    value: 'IcmpBudgetRecord',
  },
  openingBudgets: {
    name: 'opening_budgets',
    type: 6,
    keySize: 4,
    valueSize: 16,
    maxEntries: 1,
    flags: 0,
    key: 'u32',
    value: 'OpeningBudgetRecord',
  },
  attachments: {
    name: 'attachments',
    type: 1,
    keySize: 4,
    valueSize: 24,
    maxEntries: 65536,
    flags: 1,
    key: 'u32',
    value: 'AttachmentRecord',
  },
  fastDevices: {
    name: 'fast_devices',
    type: 2,
    keySize: 4,
    valueSize: 16,
    maxEntries: 4096,
    flags: 1024,
    key: 'u32',
    value: 'FastDeviceRecord',
  },
  self: {
    name: 'self',
    type: 2,
    keySize: 4,
    valueSize: 40,
    maxEntries: 1,
    flags: 1024,
    key: 'u32',
    value: 'SelfRecord',
  },
} as const satisfies Record<string, MapLayout>

/** A data section of the object: what can be written into it before the object is loaded. */
export interface SectionLayout {
  readonly name: string
  /** Bytes. */
  readonly size: number
  readonly variables: Readonly<
    Record<string, { readonly name: string; readonly offset: number; readonly size: number }>
  >
}

/** The object's data sections; their record classes have the same names. */
export const sections = {
  dataTurn: {
    name: '.data.turn',
    size: 16,
    variables: {
      turn: { name: 'turn', offset: 0, size: 16 },
    },
  },
  rodata: {
    name: '.rodata',
    size: 1332,
    variables: {
      vocabulary: { name: 'vocabulary', offset: 0, size: 104 },
      sctpEvents: { name: 'sctp_events', offset: 104, size: 15 },
      crc32cZeros: { name: 'crc32c_zeros', offset: 120, size: 68 },
      localityFresh: { name: 'locality_fresh', offset: 188, size: 280 },
      sctpTransitions: { name: 'sctp_transitions', offset: 468, size: 480 },
      tcpSecuredTransitions: { name: 'tcp_secured_transitions', offset: 948, size: 192 },
      tcpTransitions: { name: 'tcp_transitions', offset: 1140, size: 192 },
    },
  },
  rodataLoader: {
    name: '.rodata.loader',
    size: 16,
    variables: {
      generation: { name: 'generation', offset: 0, size: 4 },
      fibGivesSource: { name: 'fib_gives_source', offset: 4, size: 1 },
      cpus: { name: 'cpus', offset: 8, size: 4 },
      estimatorRows: { name: 'estimator_rows', offset: 12, size: 4 },
    },
  },
} as const satisfies Record<string, SectionLayout>
