import { readIPv4, readIPv6 } from './address.js'
import type { Draft } from './draft.js'
import type { Spelling } from './scan.js'
import { UsageError } from './usage-error.js'
import { endpointOf, type Lookups, markOf, numberOf, timeoutOf } from './values.js'

/**
 * The grammar of ipvsadm 1.31, as three tables: the commands, the options, and which option a command needs, takes and
 * refuses. A new option is one row of {@link options} and, where a command takes it, its name in {@link rules}.
 */

export interface CommandSpelling extends Spelling {
  /** The command's name in messages. */
  readonly command: CommandName
}

/** The first option of a command line is one of these. */
export const commands = [
  { command: 'add-service', long: 'add-service', short: 'A' },
  { command: 'edit-service', long: 'edit-service', short: 'E' },
  { command: 'delete-service', long: 'delete-service', short: 'D' },
  { command: 'flush', long: 'clear', short: 'C' },
  { command: 'list', long: 'list', short: 'Ll' },
  { command: 'zero', long: 'zero', short: 'Z' },
  { command: 'add-server', long: 'add-server', short: 'a' },
  { command: 'edit-server', long: 'edit-server', short: 'e' },
  { command: 'delete-server', long: 'delete-server', short: 'd' },
  { command: 'set', long: 'set' },
  { command: 'start-daemon', long: 'start-daemon', argument: 'required' },
  { command: 'stop-daemon', long: 'stop-daemon', argument: 'required' },
  { command: 'restore', long: 'restore', short: 'R' },
  { command: 'save', long: 'save', short: 'S' },
  { command: 'help', long: 'help', short: 'h' },
  { command: 'version', long: 'version', short: 'v' },
] as const satisfies readonly CommandSpelling[]

export type CommandName =
  | 'add-service'
  | 'edit-service'
  | 'delete-service'
  | 'flush'
  | 'list'
  | 'zero'
  | 'add-server'
  | 'edit-server'
  | 'delete-server'
  | 'set'
  | 'start-daemon'
  | 'stop-daemon'
  | 'restore'
  | 'save'
  | 'help'
  | 'version'

/** Options by their names in messages, in the order in which their rules are checked. */
export const optionNames = [
  'numeric',
  'connection',
  'service-address',
  'scheduler',
  'persistent',
  'netmask',
  'real-server',
  'forwarding-method',
  'weight',
  'u-threshold',
  'l-threshold',
  'mcast-interface',
  'timeout',
  'daemon',
  'stats',
  'rate',
  'thresholds',
  'persistent-conn',
  'nosort',
  'syncid',
  'exact',
  'ops',
  'pe',
  'sched-flags',
  'mcast-group',
  'mcast-port',
  'mcast-ttl',
  'sync-maxlen',
  'tun-info',
  'tun-type',
  'tun-port',
  'tun-nocsum',
  'tun-csum',
  'tun-remcsum',
] as const

export type OptionName = (typeof optionNames)[number]

export interface OptionSpelling extends Spelling {
  /** The option's name in messages and rules, shared by options that exclude each other; absent: no rule looks at it. */
  readonly option?: OptionName
  /** Puts the value into the draft. The value is a text wherever `argument` is `required`. */
  readonly read?: (draft: Draft, value: string, lookups: Lookups) => void
}

export const options: readonly OptionSpelling[] = [
  { option: 'service-address', long: 'tcp-service', short: 't', argument: 'required', read: service('tcp') },
  { option: 'service-address', long: 'udp-service', short: 'u', argument: 'required', read: service('udp') },
  { option: 'service-address', long: 'sctp-service', argument: 'required', read: service('sctp') },
  {
    option: 'service-address',
    long: 'fwmark-service',
    short: 'f',
    argument: 'required',
    read: (draft, value) => Object.assign(draft, { family: 'inet', protocol: 'tcp', fwmark: markOf(value) }),
  },
  {
    option: 'scheduler',
    long: 'scheduler',
    short: 's',
    argument: 'required',
    read: (draft, value) => {
      draft.scheduler = value.slice(0, 15)
    },
  },
  {
    option: 'persistent',
    long: 'persistent',
    short: 'p',
    argument: 'optional',
    read: (draft, value: string | undefined) => {
      draft.persistence = value === undefined ? 360 : timeoutOf(value, 1)
    },
  },
  { option: 'netmask', long: 'netmask', short: 'M', argument: 'required', read: netmask },
  { option: 'real-server', long: 'real-server', short: 'r', argument: 'required', read: server },
  { option: 'forwarding-method', long: 'masquerading', short: 'm', read: (draft) => void (draft.method = 'masq') },
  { option: 'forwarding-method', long: 'ipip', short: 'i', read: (draft) => void (draft.method = 'tunnel') },
  { option: 'forwarding-method', long: 'gatewaying', short: 'g', read: (draft) => void (draft.method = 'route') },
  {
    option: 'weight',
    long: 'weight',
    short: 'w',
    argument: 'required',
    read: (draft, value) => {
      draft.weight = numberOf(value, 0, 65535, 'weight')
    },
  },
  {
    option: 'u-threshold',
    long: 'u-threshold',
    short: 'x',
    argument: 'required',
    read: (draft, value) => {
      draft.upperThreshold = numberOf(value, 0, 0x7fff_ffff, 'u_threshold')
    },
  },
  {
    option: 'l-threshold',
    long: 'l-threshold',
    short: 'y',
    argument: 'required',
    read: (draft, value) => {
      draft.lowerThreshold = numberOf(value, 0, 0x7fff_ffff, 'l_threshold')
    },
  },
  { option: 'numeric', long: 'numeric', short: 'n' },
  { option: 'connection', long: 'connection', short: 'c' },
  {
    option: 'mcast-interface',
    long: 'mcast-interface',
    argument: 'required',
    read: ({ daemon }, value) => {
      daemon.interface = value.slice(0, 15)
    },
  },
  {
    option: 'syncid',
    long: 'syncid',
    argument: 'required',
    read: ({ daemon }, value) => {
      daemon.syncid = numberOf(value, 0, 255, 'syncid')
    },
  },
  { option: 'timeout', long: 'timeout' },
  { option: 'daemon', long: 'daemon' },
  { option: 'stats', long: 'stats' },
  { option: 'rate', long: 'rate' },
  { option: 'thresholds', long: 'thresholds' },
  { option: 'persistent-conn', long: 'persistent-conn' },
  { option: 'nosort', long: 'nosort' },
  { long: 'sort' },
  { option: 'exact', long: 'exact', short: 'X' },
  { long: 'ipv6', short: '6', read: ipv6 },
  { option: 'ops', long: 'ops', short: 'o', read: (draft) => void (draft.onePacket = true) },
  {
    option: 'pe',
    long: 'pe',
    argument: 'required',
    read: (draft, value) => {
      draft.engine = value.slice(0, 16)
    },
  },
  {
    option: 'sched-flags',
    long: 'sched-flags',
    short: 'b',
    argument: 'required',
    read: (draft, value) => {
      draft.schedulerFlags = value
    },
  },
  { option: 'mcast-group', long: 'mcast-group', argument: 'required', read: group },
  {
    option: 'mcast-port',
    long: 'mcast-port',
    argument: 'required',
    read: ({ daemon }, value) => {
      daemon.port = numberOf(value, 1, 65535, 'mcast-port')
    },
  },
  {
    option: 'mcast-ttl',
    long: 'mcast-ttl',
    argument: 'required',
    read: ({ daemon }, value) => {
      daemon.ttl = numberOf(value, 1, 255, 'mcast-ttl')
    },
  },
  {
    option: 'sync-maxlen',
    long: 'sync-maxlen',
    argument: 'required',
    read: ({ daemon }, value) => {
      daemon.maxLength = numberOf(value, 1, 65507, 'sync-maxlen')
    },
  },
  { option: 'tun-info', long: 'tun-info' },
  { option: 'tun-type', long: 'tun-type', argument: 'required', read: tunnelType },
  {
    option: 'tun-port',
    long: 'tun-port',
    argument: 'required',
    read: (draft, value) => {
      draft.tunnelPort = numberOf(value, 1, 65535, 'tunnel port')
    },
  },
  { option: 'tun-nocsum', long: 'tun-nocsum', read: (draft) => void (draft.tunnelChecksum = 'none') },
  { option: 'tun-csum', long: 'tun-csum', read: (draft) => void (draft.tunnelChecksum = 'csum') },
  { option: 'tun-remcsum', long: 'tun-remcsum', read: (draft) => void (draft.tunnelChecksum = 'remcsum') },
]

export interface Rule {
  readonly needs?: readonly OptionName[]
  readonly takes?: readonly OptionName[]
  /** At most one of these. */
  readonly oneOf?: readonly OptionName[]
}

const serviceRule: Rule = {
  needs: ['service-address'],
  takes: ['scheduler', 'persistent', 'netmask', 'ops', 'pe', 'sched-flags'],
}

const serverRule: Rule = {
  needs: ['service-address', 'real-server'],
  takes: [
    'forwarding-method',
    'weight',
    'u-threshold',
    'l-threshold',
    'tun-type',
    'tun-port',
    'tun-nocsum',
    'tun-csum',
    'tun-remcsum',
  ],
}

/** What no rule of a command names, the command refuses. */
export const rules: Readonly<Record<Exclude<CommandName, 'help' | 'version'>, Rule>> = {
  'add-service': serviceRule,
  'edit-service': serviceRule,
  'delete-service': { needs: ['service-address'] },
  flush: {},
  list: {
    takes: ['numeric', 'stats', 'rate', 'thresholds', 'persistent-conn', 'nosort', 'syncid', 'exact', 'tun-info'],
    oneOf: ['connection', 'service-address', 'timeout', 'daemon'],
  },
  'add-server': serverRule,
  'edit-server': serverRule,
  'delete-server': { needs: ['service-address', 'real-server'] },
  set: {},
  'start-daemon': { takes: ['mcast-interface', 'syncid', 'mcast-group', 'mcast-port', 'mcast-ttl', 'sync-maxlen'] },
  'stop-daemon': { takes: ['syncid'] },
  restore: {},
  save: { takes: ['numeric'] },
  zero: { takes: ['service-address'] },
}

/** The options that belong to one kind of tunnel, in the order in which their rules are checked. */
export const tunnelOptionNames = ['tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum'] as const satisfies OptionName[]

/** The same for the kinds of tunnel, by `tun-type`. */
export const tunnelRules: Readonly<Record<Draft['tunnel'], Rule>> = {
  ipip: {},
  gue: { needs: ['tun-port'], oneOf: ['tun-nocsum', 'tun-csum', 'tun-remcsum'] },
  gre: { oneOf: ['tun-nocsum', 'tun-csum'] },
}

function service(protocol: 'tcp' | 'udp' | 'sctp'): NonNullable<OptionSpelling['read']> {
  return (draft, value, lookups) => {
    const endpoint = endpointOf(value, protocol, lookups)
    if (!endpoint) throw new UsageError('illegal virtual server address[:port] specified')
    const { family, address, port = 0 } = endpoint
    Object.assign(draft, { protocol, family, address, port })
    if (family === 'inet6') draft.netmask = '128'
  }
}

function server(draft: Draft, value: string, lookups: Lookups): void {
  const endpoint = endpointOf(value, draft.protocol, lookups)
  if (!endpoint) throw new UsageError('illegal real server address[:port] specified')
  // the service's port only if the service was named before
  const { family, address, port = draft.port } = endpoint
  draft.server = { family, address, port }
}

function netmask(draft: Draft, value: string): void {
  if (draft.family === 'inet6') {
    const length = Number.parseInt(value, 10)
    if (!(length >= 1 && length <= 128)) throw new UsageError('illegal ipv6 netmask specified')
    draft.netmask = String(length)
    return
  }
  const mask = readIPv4(value)
  if (mask === undefined) throw new UsageError('illegal virtual server persistent mask specified')
  draft.netmask = [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.')
}

function ipv6(draft: Draft): void {
  if (draft.fwmark === undefined) throw new UsageError('-6 used before -f\n')
  draft.family = 'inet6'
  draft.netmask = '128'
}

function group({ daemon }: Draft, value: string): void {
  if (value.includes(':')) {
    const groups = readIPv6(value)
    if (!groups || (groups[0] ?? 0) >> 8 !== 0xff) throw new UsageError(`invalid IPv6 mcast-group \`${value}'`)
  } else {
    const address = readIPv4(value)
    if (address === undefined || address >>> 28 !== 14) throw new UsageError(`invalid IPv4 mcast-group \`${value}'`)
  }
  daemon.group = value
}

function tunnelType(draft: Draft, value: string): void {
  if (value !== 'ipip' && value !== 'gue' && value !== 'gre') throw new UsageError('illegal tunnel type specified')
  draft.tunnel = value
}
