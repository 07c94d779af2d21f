import { isIPv4 } from 'node:net'
import { isFlagOf, schedulerFlagNumbers } from '../../ipvs/index.js'
import type { SchedulerFlags, ServerOptions, ServiceKey, ServiceOptions } from '../../ipvs/types.js'
import type { Path } from '../document.js'
import type { PlannedServer, ServerPlan, ServicePlan, WayPlan } from '../plan.js'
import { present } from '../present.js'
import type { Problems } from '../problems.js'
import type { ParsedConfig } from '../schema/index.js'
import { resolveChecks } from './checks.js'
import { resolveTimeouts } from './index.js'
import { Ways } from './ways.js'

type Service = NonNullable<ParsedConfig['services']>[string]
type Server = NonNullable<Service['servers']>[number]
type Sorry = NonNullable<Service['sorry_server']>

/** What goes for a service where it says nothing itself and `defaults` neither. */
const SCHEDULER = 'wlc'
const PERSISTENCE = 360

export function resolveServices(
  parsed: ParsedConfig,
  problems: Problems,
): { services: ServicePlan[]; ways: readonly WayPlan[] } {
  const known = new Map<string, string>()
  const marks = Object.values(parsed.services ?? {}).flatMap(({ fwmark }) => (fwmark === undefined ? [] : [fwmark]))
  const ways = new Ways(new Set(marks))
  const services = Object.entries(parsed.services ?? {}).flatMap(([name, service]) => {
    const path = ['services', name]
    const key = keyOf(service, path, problems)
    if (!key) return []
    const text = serviceText(key)
    const twin = known.get(text)
    if (twin !== undefined) problems.add(path, `${text} is service ${twin} already; make one of the two`, name)
    known.set(text, name)
    return [planOf(name, key, service, { parsed, ways, problems }, path)]
  })
  return { services, ways: ways.plans }
}

/** What goes for all services. */
interface Whole {
  readonly parsed: ParsedConfig
  readonly ways: Ways
  readonly problems: Problems
}

/** `tcp 192.168.10.100:80`, `fwmark 7`, `fwmark 7 (IPv6)` */
export function serviceText(key: ServiceKey): string {
  if ('fwmark' in key) return `fwmark ${key.fwmark}${key.family === 'inet6' ? ' (IPv6)' : ''}`
  return `${key.protocol} ${endpointText(key)}`
}

export const endpointText = ({ address, port }: { readonly address: string; readonly port: number }): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`

function keyOf(service: Service, path: Path, problems: Problems): ServiceKey | undefined {
  const { protocol, address, port, fwmark, family } = service
  if (fwmark !== undefined) {
    if (address !== undefined || port !== undefined || protocol !== undefined)
      problems.add(path, 'a service of a firewall mark has no protocol, address or port; leave them out', 'fwmark')
    return { fwmark, family: family ?? 'inet' }
  }
  if (family !== undefined) problems.add(path, 'family goes with fwmark; leave it out', 'family')
  if (address === undefined || port === undefined) {
    problems.add(
      path,
      `${address === undefined ? 'address' : 'port'} is missing; write protocol, address and port, or fwmark`,
    )
    return undefined
  }
  return { protocol: protocol ?? 'tcp', address, port }
}

function planOf(name: string, key: ServiceKey, service: Service, whole: Whole, path: Path): ServicePlan {
  const { parsed, problems } = whole
  const { defaults } = parsed
  const own = { ...present(defaults ?? {}), ...present(service) } as NonNullable<typeof defaults> & Service
  const options = optionsOf(key, service, own.scheduler ?? SCHEDULER, path, problems)
  const place = { service, own, key, ...whole }
  const servers = (service.servers ?? []).map((server, i) => serverOf(server, place, [...path, 'servers', i]))
  const seen = new Set<string>()
  for (const [i, server] of servers.entries()) {
    const text = endpointText(server.key)
    if (seen.has(text)) problems.add([...path, 'servers', i], `${text} is a server of ${name} already; leave one out`)
    seen.add(text)
  }
  const sorry = service.sorry_server && plannedServer(service.sorry_server, place, [...path, 'sorry_server'], 1)
  if (sorry && seen.has(endpointText(sorry.key)))
    problems.add(
      [...path, 'sorry_server'],
      `${endpointText(sorry.key)} is a server of ${name} already; name another one`,
    )
  const fullnat = servers.some((server) => server.options.method === 'fullnat')
  if (service.local_addresses && !fullnat)
    problems.add(
      path,
      'local addresses are for servers of full NAT; leave them out, or write method: fullnat',
      'local_addresses',
    )
  return {
    name,
    key,
    options,
    servers,
    sorry,
    quorum: { weight: service.quorum?.weight ?? 1, hysteresis: quorumHysteresis(service, path, problems) },
    alpha: own.alpha ?? true,
    slowStart: own.slow_start ?? 0,
    onEdit: own.on_edit ?? 'keep',
    notify: present({ quorumUp: service.notify?.quorum_up, quorumDown: service.notify?.quorum_down }),
  }
}

function quorumHysteresis({ quorum }: Service, path: Path, problems: Problems): number {
  const { weight = 1, hysteresis = 0 } = quorum ?? {}
  if (hysteresis >= weight && hysteresis > 0)
    problems.add(
      [...path, 'quorum'],
      `a hysteresis of ${hysteresis} can never lose a quorum of ${weight}; make it less`,
      'hysteresis',
    )
  return hysteresis
}

function optionsOf(
  key: ServiceKey,
  service: Service,
  scheduler: string,
  path: Path,
  problems: Problems,
): ServiceOptions {
  const { persistence, one_packet: onePacket, local_addresses: localAddresses, timeouts } = service
  const isUdp = 'fwmark' in key || key.protocol === 'udp'
  const v6 = isInet6(key)
  if (onePacket && !isUdp) problems.add(path, 'one_packet is for UDP; leave it out', 'one_packet')
  if ('port' in key && key.port === 0 && !persistence)
    problems.add(path, 'a service for every port needs persistence; add persistence: {timeout: 300}', 'port')
  if (persistence?.engine && 'protocol' in key && key.protocol !== 'udp')
    problems.add([...path, 'persistence'], 'the engine sip is for UDP; leave it out', 'engine')
  const netmask = persistence?.netmask
  if (netmask !== undefined && v6 === isIPv4(String(netmask)))
    problems.add(
      [...path, 'persistence'],
      v6 ? 'for IPv6 write a prefix length such as 64' : 'for IPv4 write a mask such as 255.255.255.0',
      'netmask',
    )
  return {
    scheduler,
    ...present({
      schedulerFlags: flagsOf(service.flags, scheduler, path, problems),
      persistence: persistence && {
        timeout: persistence.timeout ?? PERSISTENCE,
        ...present({ netmask: netmask === undefined ? undefined : String(netmask), engine: persistence.engine }),
      },
      onePacket,
      timeouts: timeouts && resolveTimeouts(timeouts),
      localAddresses,
    }),
  }
}

const isInet6 = (key: ServiceKey) => ('fwmark' in key ? key.family === 'inet6' : key.address.includes(':'))

function flagsOf(
  flags: Service['flags'],
  scheduler: string,
  path: Path,
  problems: Problems,
): SchedulerFlags | undefined {
  if (!flags || flags.length === 0) return undefined
  for (const [i, flag] of flags.entries())
    if (!isFlagOf(scheduler, flag))
      problems.add([...path, 'flags', i], `${flag} is no flag of the scheduler ${scheduler}; leave it out`)
  return new Set(flags.map((flag) => schedulerFlagNumbers[flag]))
}

interface Place extends Whole {
  readonly service: Service
  /** What the service says, or else the defaults. */
  readonly own: Pick<Service, 'method' | 'checks' | 'inhibit_on_failure'>
  readonly key: ServiceKey
}

function serverOf(server: Server, place: Place, path: Path): ServerPlan {
  const { own, key, parsed, ways, problems } = place
  const planned = plannedServer(server, place, path, 1)
  const { upper_threshold: upper = 0, lower_threshold: lower = 0 } = server
  if (lower > upper)
    problems.add(path, `the lower threshold ${lower} is above the upper one ${upper}; make it less`, 'lower_threshold')
  const options = { ...planned.options, upperThreshold: upper, lowerThreshold: lower }
  const [references, at] =
    server.checks !== undefined
      ? [server.checks, [...path, 'checks']]
      : place.service.checks !== undefined
        ? [place.service.checks, [...path.slice(0, 2), 'checks']]
        : [own.checks ?? [], ['defaults', 'checks']]
  return {
    key: planned.key,
    options,
    checks: resolveChecks(references, parsed, { service: key, server: planned, ways, problems }, at),
    inhibitOnFailure: server.inhibit_on_failure ?? own.inhibit_on_failure ?? false,
    notify: present({ up: server.notify?.up, down: server.notify?.down }),
  }
}

function plannedServer(
  server: Server | Sorry,
  { own, key, problems }: Place,
  path: Path,
  weight: number,
): PlannedServer {
  const method = server.method ?? own.method ?? 'masq'
  const { address, tunnel, client_address: clientAddress } = server
  const servicePort = 'port' in key ? key.port : 0
  const port = server.port ?? servicePort
  // packets of these come to the server as they are
  if ((method === 'route' || method === 'tunnel') && port !== servicePort && 'port' in key)
    problems.add(path, `a server of dr or tunnel gets the service's port ${servicePort}; leave port out`, 'port')
  if (address.includes(':') !== isInet6(key) && method !== 'tunnel')
    problems.add(
      path,
      `${address} is of another family than its service, which needs a tunnel; write method: tunnel`,
      'address',
    )
  if (tunnel && method !== 'tunnel') problems.add(path, 'tunnel goes with method: tunnel; leave it out', 'tunnel')
  if (tunnel?.type === 'gue' && tunnel.port === undefined)
    problems.add([...path, 'tunnel'], 'a GUE tunnel needs its port; add port: 6080', 'type')
  if (tunnel && tunnel.type !== 'gue' && tunnel.port !== undefined)
    problems.add([...path, 'tunnel'], 'a port goes with type: gue; leave it out', 'port')
  if (tunnel?.type === 'ipip' && (tunnel.checksum ?? 'none') !== 'none')
    problems.add([...path, 'tunnel'], 'IPIP has no checksum; leave it out', 'checksum')
  if (clientAddress && (method !== 'fullnat' || ('protocol' in key && key.protocol !== 'tcp')))
    problems.add(path, 'client_address is for full NAT of TCP; leave it out', 'client_address')
  const options: ServerOptions = {
    method,
    weight: server.weight ?? weight,
    ...present({
      tunnel: tunnel && { type: tunnel.type, ...present({ port: tunnel.port, checksum: tunnel.checksum }) },
      clientAddress,
    }),
  }
  return { key: { address, port }, options }
}
