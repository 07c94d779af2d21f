import {
  type ServerOptionsRecord,
  ServiceKeyRecord,
  type ServiceOptionsRecord,
  SluiceClientAddress,
  SluiceEngine,
  SluiceFamily,
  SluiceMethod,
  SluiceProtocol,
  SluiceProtocolName,
  SluiceServiceFlag,
  SluiceTimeout,
  SluiceTunnel,
  SluiceTunnelFlag,
} from '../datapath/index.js'
import { familyOf, formatAddress, formatIPv4, parseAddress, parseIPv4 } from './address.js'
import { IpvsError } from './error.js'
import { schedulerName, schedulers } from './schedulers.js'
import type {
  ClientAddress,
  ForwardingMethod,
  Persistence,
  Protocol,
  SchedulerFlags,
  ServerKey,
  ServerOptions,
  ServiceKey,
  ServiceOptions,
  Timeouts,
  Tunnel,
} from './types.js'

/** The model in the records' form, and back, with the checks of kernel IPVS. */

const INT_MAX = 0x7fff_ffff

const protocols: Readonly<Record<Protocol, number>> = {
  tcp: SluiceProtocol.TCP,
  udp: SluiceProtocol.UDP,
  sctp: SluiceProtocol.SCTP,
}

const methods: Readonly<Record<ForwardingMethod, number>> = {
  masq: SluiceMethod.MASQ,
  local: SluiceMethod.LOCAL,
  tunnel: SluiceMethod.TUNNEL,
  route: SluiceMethod.ROUTE,
  fullnat: SluiceMethod.FULLNAT,
}

const clientAddresses: Readonly<Record<ClientAddress, number>> = {
  toa: SluiceClientAddress.TOA,
  proxy: SluiceClientAddress.PROXY,
}

const tunnels: Readonly<Record<Tunnel['type'], number>> = {
  ipip: SluiceTunnel.IPIP,
  gue: SluiceTunnel.GUE,
  gre: SluiceTunnel.GRE,
}

const checksums: Readonly<Record<NonNullable<Tunnel['checksum']>, number>> = {
  none: 0,
  csum: SluiceTunnelFlag.CSUM,
  remcsum: SluiceTunnelFlag.REMCSUM,
}

const engines: ReadonlyMap<string | undefined, number> = new Map([
  [undefined, SluiceEngine.NONE],
  ['sip', SluiceEngine.SIP],
])

/** A persistence engine's name; undefined for none. */
export const engineName = (id: number): string | undefined => [...engines].find(([, each]) => each === id)?.[0]

/** The name of a number, in a table of names. */
function nameOf<K extends string>(table: Readonly<Record<K, number>>, id: number): K | undefined {
  return (Object.keys(table) as K[]).find((name) => table[name] === id)
}

/** Where a service is found. */
export function keyRecord(key: ServiceKey): ServiceKeyRecord {
  const record = ServiceKeyRecord.allocate()
  if ('fwmark' in key) {
    record.family = key.family === 'inet6' ? SluiceFamily.INET6 : SluiceFamily.INET
    record.fwmark = key.fwmark
    return record
  }
  record.addressBytes().set(parseAddress(key.address))
  record.port = key.port
  record.protocol = protocols[key.protocol]
  record.family = familyOf(key.address)
  return record
}

export function readKey(record: ServiceKeyRecord): ServiceKey {
  const family = record.family === SluiceFamily.INET6 ? 'inet6' : 'inet'
  if (record.fwmark !== 0) return { fwmark: record.fwmark, family }
  return {
    protocol: protocolName(record.protocol),
    address: formatAddress(record.addressBytes(), record.family),
    port: record.port,
  }
}

export function protocolName(id: number): Protocol {
  return (SluiceProtocolName[id] ?? 'TCP').toLowerCase() as Protocol
}

const timeoutIndices = { tcp: SluiceTimeout.TCP, tcpFin: SluiceTimeout.TCP_FIN, udp: SluiceTimeout.UDP } as const

const timeoutNames = ['tcp', 'tcpFin', 'udp'] as const

/** Is the service of IPv6? */
const isInet6 = (key: ServiceKey) => ('fwmark' in key ? key.family === 'inet6' : key.address.includes(':'))

const schedulerBits = [SluiceServiceFlag.SCHED1, SluiceServiceFlag.SCHED2, SluiceServiceFlag.SCHED3] as const

const EVERY_BIT = '255.255.255.255'

/**
 * The checks of {@link writeServiceOptions} alone, so that a refused edit has changed nothing.
 * @returns the scheduler's and the engine's number
 * @throws IpvsError ENOENT for an unknown scheduler or engine, EINVAL for a mask or a timeout that is none, as IPVS in
 *   this order
 */
export function checkServiceOptions(key: ServiceKey, options: ServiceOptions): { scheduler: number; engine: number } {
  const scheduler = schedulers.get(options.scheduler)
  if (scheduler === undefined) throw new IpvsError('ENOENT', `no scheduler ${options.scheduler}`)
  const engine = engines.get(options.persistence?.engine)
  if (engine === undefined) throw new IpvsError('ENOENT', `no persistence engine ${options.persistence?.engine}`)
  const { timeout = 0, netmask } = options.persistence ?? {}
  if (!isWhole(timeout, 0xffff_ffff)) throw new IpvsError('EINVAL', `${timeout} is no timeout of persistence`)
  if (netmask !== undefined && !(isInet6(key) ? isPrefix(netmask) : isMask(netmask)))
    throw new IpvsError('EINVAL', `${netmask} is no mask of a client's address`)
  for (const seconds of Object.values(options.timeouts ?? {}))
    if (!isWhole(seconds, INT_MAX)) throw new IpvsError('EINVAL', `${seconds} is no timeout`)
  return { scheduler, engine }
}

const isWhole = (value: number, high: number) => Number.isInteger(value) && value >= 0 && value <= high

const isPrefix = (text: string) => /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 128

function isMask(text: string): boolean {
  try {
    parseIPv4(text)
    return true
  } catch {
    return false
  }
}

/**
 * Writes over what the record holds: of its timeouts, those that the options name.
 * @throws what {@link checkServiceOptions} throws
 */
export function writeServiceOptions(record: ServiceOptionsRecord, key: ServiceKey, options: ServiceOptions): void {
  const { scheduler, engine } = checkServiceOptions(key, options)
  const { timeout = 0, netmask } = options.persistence ?? {}
  let flags = 0
  if (timeout > 0) flags |= SluiceServiceFlag.PERSISTENT
  if (options.onePacket) flags |= SluiceServiceFlag.ONE_PACKET
  for (const flag of options.schedulerFlags ?? []) flags |= schedulerBits[flag - 1] ?? 0
  record.scheduler = scheduler
  record.flags = flags
  record.persistence = timeout
  const inet6 = isInet6(key)
  record.netmask = inet6 ? 0 : number(parseIPv4(netmask ?? EVERY_BIT))
  record.prefix = inet6 ? Number(netmask ?? 128) : 0
  record.engine = engine
  for (const name of timeoutNames) {
    const seconds = options.timeouts?.[name]
    if (seconds !== undefined) record.setTimeout(timeoutIndices[name], seconds)
  }
}

const number = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)

function dotted(value: number): string {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return formatIPv4(bytes)
}

export function readServiceOptions(record: ServiceOptionsRecord, key: ServiceKey): ServiceOptions {
  const flags = new Set([1, 2, 3] as const)
  for (const flag of flags) if (!(record.flags & (schedulerBits[flag - 1] ?? 0))) flags.delete(flag)
  const persistence = readPersistence(record, isInet6(key))
  const timeouts = readTimeouts(record)
  return {
    scheduler: schedulerName(record.scheduler),
    ...(flags.size > 0 ? { schedulerFlags: flags satisfies SchedulerFlags } : {}),
    ...(persistence ? { persistence } : {}),
    ...(record.flags & SluiceServiceFlag.ONE_PACKET ? { onePacket: true } : {}),
    ...(timeouts ? { timeouts } : {}),
  }
}

function readPersistence(record: ServiceOptionsRecord, inet6: boolean): Persistence | undefined {
  const engine = engineName(record.engine)
  if (record.persistence === 0 && engine === undefined) return undefined
  const netmask = inet6 ? String(record.prefix) : dotted(record.netmask)
  return {
    timeout: record.persistence,
    ...(netmask === '128' || netmask === EVERY_BIT ? {} : { netmask }),
    ...(engine === undefined ? {} : { engine }),
  }
}

function readTimeouts(record: ServiceOptionsRecord): Partial<Timeouts> | undefined {
  const found: { -readonly [K in keyof Timeouts]?: number } = {}
  for (const name of timeoutNames) {
    const seconds = record.timeout(timeoutIndices[name])
    if (seconds) found[name] = seconds
  }
  return Object.keys(found).length > 0 ? found : undefined
}

/**
 * @throws IpvsError ERANGE for a weight or thresholds that IPVS does not take, EINVAL for a GUE tunnel without its port
 *   and for a server of another family than its service's that is no tunnel's end
 */
export function checkServerOptions(service: ServiceKey, server: ServerKey, options: ServerOptions): void {
  const { weight, upperThreshold = 0, lowerThreshold = 0, method, tunnel, clientAddress } = options
  if (method !== 'tunnel' && isInet6(service) !== server.address.includes(':'))
    throw new IpvsError('EINVAL', 'a server of another family needs a tunnel')
  if (!isWhole(weight, INT_MAX)) throw new IpvsError('ERANGE', `${weight} is no weight`)
  if (!isWhole(upperThreshold, INT_MAX) || !isWhole(lowerThreshold, INT_MAX))
    throw new IpvsError('EINVAL', 'a threshold is out of range')
  if (lowerThreshold > upperThreshold) throw new IpvsError('ERANGE', 'the lower threshold is above the upper one')
  if (clientAddress && (method !== 'fullnat' || ('protocol' in service && service.protocol !== 'tcp')))
    throw new IpvsError('EINVAL', 'the client’s address is told to servers of TCP behind full NAT')
  if (tunnel?.type === 'gue' && !tunnel.port) throw new IpvsError('EINVAL', 'a GUE tunnel needs a port')
}

/** What the director finds out itself about a server at the time of an edit. */
export interface ServerPlace {
  /** An address of the director itself. */
  readonly local: boolean
  /** Outer source of its tunnel, 16 bytes; zeros where that is not known or not needed. */
  readonly tunnelSource: Uint8Array
}

export function writeServerOptions(record: ServerOptionsRecord, options: ServerOptions, place: ServerPlace): void {
  const { method, tunnel = { type: 'ipip' } } = options
  record.weight = options.weight
  record.upper = options.upperThreshold ?? 0
  record.lower = options.lowerThreshold ?? 0
  record.method = methods[method]
  record.tunnel = method === 'tunnel' ? tunnels[tunnel.type] : SluiceTunnel.IPIP
  record.tunnelFlags = method === 'tunnel' && tunnel.type !== 'ipip' ? checksums[tunnel.checksum ?? 'none'] : 0
  record.tunnelPort = method === 'tunnel' && tunnel.type === 'gue' ? (tunnel.port ?? 0) : 0
  record.clientAddress = options.clientAddress ? clientAddresses[options.clientAddress] : SluiceClientAddress.HIDDEN
  record.releasing = options.releasing ? 1 : 0
  record.local = place.local ? 1 : 0
  record.tunnelSourceBytes().set(place.tunnelSource)
}

export function readServerOptions(record: ServerOptionsRecord): ServerOptions {
  const method = nameOf(methods, record.method) ?? 'route'
  const clientAddress = nameOf(clientAddresses, record.clientAddress)
  return {
    method,
    weight: record.weight,
    upperThreshold: record.upper,
    lowerThreshold: record.lower,
    ...(method === 'tunnel' ? { tunnel: readTunnel(record) } : {}),
    ...(clientAddress ? { clientAddress } : {}),
    ...(record.releasing ? { releasing: true } : {}),
  }
}

function readTunnel(record: ServerOptionsRecord): Tunnel {
  const type = nameOf(tunnels, record.tunnel) ?? 'ipip'
  if (type === 'ipip') return { type }
  return {
    type,
    ...(type === 'gue' ? { port: record.tunnelPort } : {}),
    checksum: nameOf(checksums, record.tunnelFlags) ?? 'none',
  }
}
