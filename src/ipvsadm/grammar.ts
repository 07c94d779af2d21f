import type { Draft } from './draft.js'
import {
  daemonNumber,
  engine,
  fwmark,
  ipv6,
  localAddresses,
  lowerThreshold,
  mcastGroup,
  mcastInterface,
  netmask,
  persistence,
  put,
  type Reader,
  scheduler,
  schedulerFlags,
  server,
  service,
  serviceTimeouts,
  tunnelPort,
  tunnelType,
  upperThreshold,
  weight,
} from './readers.js'
import type { Spelling } from './scan.js'

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
  'timeouts',
  'laddr',
  'client-address',
] as const

export type OptionName = (typeof optionNames)[number]

export interface OptionSpelling extends Spelling {
  /** The option's name in messages and rules, shared by options that exclude each other; absent: no rule looks at it. */
  readonly option?: OptionName
  /** Puts the value into the draft; absent: that the option was given says all. */
  readonly read?: Reader
}

export const options: readonly OptionSpelling[] = [
  { option: 'service-address', long: 'tcp-service', short: 't', argument: 'required', read: service('tcp') },
  { option: 'service-address', long: 'udp-service', short: 'u', argument: 'required', read: service('udp') },
  { option: 'service-address', long: 'sctp-service', argument: 'required', read: service('sctp') },
  { option: 'service-address', long: 'fwmark-service', short: 'f', argument: 'required', read: fwmark },
  { option: 'scheduler', long: 'scheduler', short: 's', argument: 'required', read: scheduler },
  { option: 'persistent', long: 'persistent', short: 'p', argument: 'optional', read: persistence },
  { option: 'netmask', long: 'netmask', short: 'M', argument: 'required', read: netmask },
  { option: 'real-server', long: 'real-server', short: 'r', argument: 'required', read: server },
  { option: 'forwarding-method', long: 'masquerading', short: 'm', read: put('method', 'masq') },
  { option: 'forwarding-method', long: 'ipip', short: 'i', read: put('method', 'tunnel') },
  { option: 'forwarding-method', long: 'gatewaying', short: 'g', read: put('method', 'route') },
  // ours
  { option: 'forwarding-method', long: 'fullnat', read: put('method', 'fullnat') },
  { option: 'weight', long: 'weight', short: 'w', argument: 'required', read: weight },
  { option: 'u-threshold', long: 'u-threshold', short: 'x', argument: 'required', read: upperThreshold },
  { option: 'l-threshold', long: 'l-threshold', short: 'y', argument: 'required', read: lowerThreshold },
  { option: 'numeric', long: 'numeric', short: 'n' },
  { option: 'connection', long: 'connection', short: 'c' },
  { option: 'mcast-interface', long: 'mcast-interface', argument: 'required', read: mcastInterface },
  { option: 'syncid', long: 'syncid', argument: 'required', read: daemonNumber('syncid', 0, 255, 'syncid') },
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
  { option: 'ops', long: 'ops', short: 'o', read: put('onePacket', true) },
  { option: 'pe', long: 'pe', argument: 'required', read: engine },
  { option: 'sched-flags', long: 'sched-flags', short: 'b', argument: 'required', read: schedulerFlags },
  { option: 'mcast-group', long: 'mcast-group', argument: 'required', read: mcastGroup },
  {
    option: 'mcast-port',
    long: 'mcast-port',
    argument: 'required',
    read: daemonNumber('port', 1, 65535, 'mcast-port'),
  },
  { option: 'mcast-ttl', long: 'mcast-ttl', argument: 'required', read: daemonNumber('ttl', 1, 255, 'mcast-ttl') },
  {
    option: 'sync-maxlen',
    long: 'sync-maxlen',
    argument: 'required',
    read: daemonNumber('maxLength', 1, 65507, 'sync-maxlen'),
  },
  { option: 'tun-info', long: 'tun-info' },
  { option: 'tun-type', long: 'tun-type', argument: 'required', read: tunnelType },
  { option: 'tun-port', long: 'tun-port', argument: 'required', read: tunnelPort },
  { option: 'tun-nocsum', long: 'tun-nocsum', read: put('tunnelChecksum', 'none') },
  { option: 'tun-csum', long: 'tun-csum', read: put('tunnelChecksum', 'csum') },
  { option: 'tun-remcsum', long: 'tun-remcsum', read: put('tunnelChecksum', 'remcsum') },
  // ours
  { option: 'timeouts', long: 'timeouts', argument: 'required', read: serviceTimeouts },
  { option: 'client-address', long: 'toa', read: put('clientAddress', 'toa') },
  { option: 'client-address', long: 'proxy-protocol', read: put('clientAddress', 'proxy') },
  { option: 'laddr', long: 'laddr', argument: 'required', read: localAddresses },
]

export interface Rule {
  readonly needs?: readonly OptionName[]
  readonly takes?: readonly OptionName[]
  /** At most one of these. */
  readonly oneOf?: readonly OptionName[]
}

const serviceRule: Rule = {
  needs: ['service-address'],
  takes: ['scheduler', 'persistent', 'netmask', 'ops', 'pe', 'sched-flags', 'timeouts', 'laddr'],
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
    'client-address',
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
  // the real one refuses --thresholds, and loses them
  save: { takes: ['numeric', 'thresholds'] },
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
