import type {
  DaemonState,
  SchedulerFlags,
  ServerKey,
  ServerOptions,
  ServiceKey,
  ServiceOptions,
} from '../ipvs/types.js'
import type { Command, TableView } from './command.js'
import { type Draft, emptyDraft } from './draft.js'
import { type CommandName, commands, type OptionName, options } from './grammar.js'
import { tryHelp } from './help.js'
import { checkRules, checkTunnelRules } from './rules.js'
import { Scan } from './scan.js'
import { schedulerFlagsOf } from './scheduler-flags.js'
import { UsageError } from './usage-error.js'
import { type Lookups, timeoutOf } from './values.js'

const spellings = [...commands, ...options]

/**
 * Understands a command line, without the program's name: a command, or the error that ipvsadm has for it. Pure but for
 * `lookups`. Errors come in ipvsadm's order: what a word holds when it is read, then words too many, then which options
 * the command needs, takes and refuses, then what they say together.
 *
 * @throws UsageError
 */
export function parse(words: readonly string[], lookups: Lookups): Command {
  if (words.length === 0) return { name: 'list', what: 'table', view: viewOf(new Set()) }
  const scan = new Scan(words, spellings)
  const first = firstOption(scan)
  if (!('command' in first.spelling)) throw tryHelp()
  const name: CommandName = first.spelling.command
  if (name === 'help' || name === 'version') return { name }
  const daemon = daemonState(name, first.value)

  const given = new Set<OptionName>()
  const draft = emptyDraft()
  for (let found = scan.next(); found; found = scan.next()) {
    const { spelling, value, word } = found
    if ('command' in spelling) throw new UsageError(`invalid option \`${word}'`)
    if (spelling.option) {
      if (given.has(spelling.option)) throw new UsageError(`multiple '${spelling.option}' options specified`)
      given.add(spelling.option)
    }
    spelling.read?.(draft, value as string, lookups)
  }

  const timeouts = name === 'set' ? readTimeouts(scan.others) : undefined
  const [extra] = scan.others.slice(timeouts ? 3 : 0)
  if (extra !== undefined) throw new UsageError(`unexpected argument ${extra}`)
  const flags = schedulerFlagsOf(draft.schedulerFlags, draft.scheduler)
  checkRules(name, given)

  switch (name) {
    case 'add-service':
    case 'edit-service':
      return { name, service: serviceKey(draft), options: serviceOptions(draft, flags) }
    case 'delete-service':
      return { name, service: serviceKey(draft) }
    case 'add-server':
    case 'edit-server':
      return { name, service: serviceKey(draft), ...serverWithOptions(draft, given) }
    case 'delete-server':
      return { name, service: serviceKey(draft), server: serverKey(draft) }
    case 'list':
      return list(draft, given)
    case 'zero':
      return given.has('service-address') ? { name, service: serviceKey(draft) } : { name }
    case 'set':
      return { name, timeouts: timeouts as NonNullable<typeof timeouts> }
    case 'start-daemon':
      return { name, state: daemon as DaemonState, options: draft.daemon }
    case 'stop-daemon':
      return { name, state: daemon as DaemonState }
    case 'save':
      return { name, numeric: given.has('numeric'), thresholds: given.has('thresholds') }
    case 'flush':
    case 'restore':
      return { name }
  }
}

function firstOption(scan: Scan<(typeof spellings)[number]>) {
  try {
    const found = scan.next()
    if (found) return found
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
  }
  throw tryHelp()
}

function daemonState(name: CommandName, value: string | undefined): DaemonState | undefined {
  if (name !== 'start-daemon' && name !== 'stop-daemon') return undefined
  if (value === 'master' || value === 'backup') return value
  throw new UsageError(
    name === 'start-daemon' ? 'illegal start-daemon parameter specified' : 'illegal start_daemon specified',
  )
}

function readTimeouts(words: readonly string[]) {
  const [tcp, tcpFin, udp] = words
  if (tcp === undefined || tcpFin === undefined || udp === undefined)
    throw new UsageError('--set option requires 3 timeout values')
  return { tcp: timeoutOf(tcp, 0), tcpFin: timeoutOf(tcpFin, 0), udp: timeoutOf(udp, 0) }
}

/** Call it only where the rules have made sure that there is a service. */
function serviceKey({ protocol = 'tcp', address = '', port, fwmark, family }: Draft): ServiceKey {
  return fwmark === undefined ? { protocol, address, port } : { fwmark, family }
}

function serviceOptions(draft: Draft, flags: SchedulerFlags): ServiceOptions {
  const { persistence, engine, netmask, onePacket, fwmark, port, protocol, timeouts, localAddresses } = draft
  if (fwmark === undefined && port === 0 && persistence === undefined)
    throw new UsageError('Zero port specified for non-persistent service')
  if (onePacket && fwmark === undefined && protocol !== 'udp')
    throw new UsageError('One-Packet Scheduling is only for UDP virtual services')
  return {
    scheduler: draft.scheduler || 'wlc',
    ...(flags.size > 0 ? { schedulerFlags: flags } : {}),
    ...(persistence === undefined && !engine
      ? {}
      : {
          persistence: {
            // an engine without persistence is kept, as IPVS does
            timeout: persistence ?? 0,
            ...(netmask === undefined ? {} : { netmask }),
            ...(engine ? { engine } : {}),
          },
        }),
    ...(onePacket ? { onePacket } : {}),
    ...(timeouts ? { timeouts } : {}),
    ...(localAddresses ? { localAddresses } : {}),
  }
}

function serverKey({ server }: Draft): ServerKey {
  return { address: server?.address ?? '', port: server?.port ?? 0 }
}

function serverWithOptions(
  draft: Draft,
  given: ReadonlySet<OptionName>,
): { server: ServerKey; options: ServerOptions } {
  const { method, weight, upperThreshold, lowerThreshold, tunnel, tunnelPort, tunnelChecksum, clientAddress } = draft
  const { address } = serverKey(draft)
  // direct routing and tunnels leave the packet's port as it is
  const port =
    draft.fwmark === undefined && method !== 'masq' && method !== 'fullnat' ? draft.port : serverKey(draft).port
  if (draft.server?.family !== draft.family && method !== 'tunnel')
    throw new UsageError('Different address family is allowed only for tunneling servers')
  checkTunnelRules(method, tunnel, given)
  if (clientAddress && method !== 'fullnat')
    throw new UsageError("'--toa' and '--proxy-protocol' are options of '--fullnat'")
  if (clientAddress && draft.fwmark === undefined && draft.protocol !== 'tcp')
    throw new UsageError("'--toa' and '--proxy-protocol' are only for TCP virtual services")
  const options: ServerOptions = {
    method,
    weight,
    upperThreshold,
    lowerThreshold,
    ...(clientAddress ? { clientAddress } : {}),
  }
  if (method !== 'tunnel') return { server: { address, port }, options }
  return {
    server: { address, port },
    options: {
      ...options,
      tunnel: {
        type: tunnel,
        ...(tunnelPort === undefined ? {} : { port: tunnelPort }),
        ...(tunnel === 'ipip' ? {} : { checksum: tunnelChecksum ?? 'none' }),
      },
    },
  }
}

function viewOf(given: ReadonlySet<OptionName>): TableView {
  return {
    stats: given.has('stats'),
    rate: given.has('rate'),
    thresholds: given.has('thresholds'),
    persistentConn: given.has('persistent-conn'),
    tunInfo: given.has('tun-info'),
    exact: given.has('exact'),
    sort: !given.has('nosort'),
    numeric: given.has('numeric'),
  }
}

/** What `-c`, `--timeout` and `--daemon` cannot be listed with. */
const listConflicts: Readonly<Partial<Record<OptionName, readonly OptionName[]>>> = {
  connection: ['stats', 'rate', 'thresholds'],
  timeout: ['stats', 'rate', 'thresholds', 'persistent-conn'],
  daemon: ['stats', 'rate', 'thresholds', 'persistent-conn'],
}

function list(draft: Draft, given: ReadonlySet<OptionName>): Command {
  const name = 'list'
  for (const option of given)
    if (listConflicts[option]?.some((other) => given.has(other)))
      throw new UsageError('options conflicts in the list command')
  const view = viewOf(given)
  if (given.has('connection')) return { name, what: 'connections', view }
  if (given.has('timeout')) return { name, what: 'timeout' }
  if (given.has('daemon')) return { name, what: 'daemon' }
  return { name, what: 'table', view, ...(given.has('service-address') ? { service: serviceKey(draft) } : {}) }
}
