import {
  type ServerOptionsRecord,
  ServiceKeyRecord,
  type ServiceOptionsRecord,
  SluiceFamily,
  SluiceMethod,
  SluiceProtocol,
  SluiceProtocolName,
  SluiceServiceFlag,
  SluiceTunnel,
} from '../datapath/index.js'
import { SluiceError } from '../errors.js'
import { formatIPv4, parseIPv4 } from './address.js'
import { IpvsError } from './error.js'
import { schedulerName, schedulers } from './schedulers.js'
import type { ForwardingMethod, Protocol, ServerOptions, ServiceKey, ServiceOptions } from './types.js'

/** The model in the records' form, and back. What this version cannot forward is refused here, never half done. */

const protocols: Readonly<Record<'tcp' | 'udp', number>> = { tcp: SluiceProtocol.TCP, udp: SluiceProtocol.UDP }

const methods: Readonly<Record<ForwardingMethod, number>> = {
  masq: SluiceMethod.MASQ,
  local: SluiceMethod.LOCAL,
  tunnel: SluiceMethod.TUNNEL,
  route: SluiceMethod.ROUTE,
}

const methodNames: ReadonlyMap<number, ForwardingMethod> = new Map(
  Object.entries(methods).map(([name, id]) => [id, name as ForwardingMethod]),
)

/** @throws SluiceError SLUICE_UNSUPPORTED for IPv6, firewall marks and SCTP */
export function keyRecord(key: ServiceKey): ServiceKeyRecord {
  if ('fwmark' in key) throw new SluiceError('SLUICE_UNSUPPORTED', { what: 'a firewall-mark service' })
  if (key.address.includes(':')) throw new SluiceError('SLUICE_UNSUPPORTED', { what: 'an IPv6 service' })
  if (key.protocol === 'sctp') throw new SluiceError('SLUICE_UNSUPPORTED', { what: 'an SCTP service' })
  const record = ServiceKeyRecord.allocate()
  record.addressBytes().set(parseIPv4(key.address))
  record.port = key.port
  record.protocol = protocols[key.protocol]
  record.family = SluiceFamily.INET
  return record
}

export function readKey(record: ServiceKeyRecord): ServiceKey {
  return {
    protocol: protocolName(record.protocol),
    address: formatIPv4(record.addressBytes()),
    port: record.port,
  }
}

export function protocolName(id: number): Protocol {
  return (SluiceProtocolName[id] ?? 'TCP').toLowerCase() as Protocol
}

/**
 * @throws IpvsError ENOENT for an unknown scheduler or engine
 * @throws SluiceError SLUICE_UNSUPPORTED for persistence, one-packet scheduling and scheduler flags
 */
export function writeServiceOptions(record: ServiceOptionsRecord, options: ServiceOptions): void {
  const { scheduler, flags } = checkServiceOptions(options)
  record.scheduler = scheduler
  record.flags = flags
  record.persistence = 0
  record.prefix = 0
}

/** The checks of {@link writeServiceOptions} alone, so that a refused edit has changed nothing. */
export function checkServiceOptions(options: ServiceOptions): { scheduler: number; flags: number } {
  const scheduler = schedulers.get(options.scheduler)
  if (scheduler === undefined) throw new IpvsError('ENOENT', `no scheduler ${options.scheduler}`)
  if (options.persistence?.engine !== undefined && options.persistence.engine !== 'sip')
    throw new IpvsError('ENOENT', `no persistence engine ${options.persistence.engine}`)
  if (options.persistence) throw new SluiceError('SLUICE_UNSUPPORTED', { what: 'persistence' })
  if (options.onePacket) throw new SluiceError('SLUICE_UNSUPPORTED', { what: 'one-packet scheduling' })
  let flags = 0
  const bits = [SluiceServiceFlag.SCHED1, SluiceServiceFlag.SCHED2, SluiceServiceFlag.SCHED3] as const
  for (const flag of options.schedulerFlags ?? []) flags |= bits[flag - 1] ?? 0
  return { scheduler, flags }
}

export function readServiceOptions(record: ServiceOptionsRecord): ServiceOptions {
  const flags = new Set<1 | 2 | 3>()
  if (record.flags & SluiceServiceFlag.SCHED1) flags.add(1)
  if (record.flags & SluiceServiceFlag.SCHED2) flags.add(2)
  if (record.flags & SluiceServiceFlag.SCHED3) flags.add(3)
  return { scheduler: schedulerName(record.scheduler), ...(flags.size > 0 ? { schedulerFlags: flags } : {}) }
}

/**
 * @throws IpvsError ERANGE for a negative weight or a lower threshold above the upper one, EINVAL for a tunnel without its port
 * @throws SluiceError SLUICE_UNSUPPORTED for GUE and GRE
 */
export function checkServerOptions(options: ServerOptions): void {
  const { weight, upperThreshold = 0, lowerThreshold = 0, tunnel } = options
  if (weight < 0) throw new IpvsError('ERANGE', 'the weight is negative')
  if (lowerThreshold > upperThreshold) throw new IpvsError('ERANGE', 'the lower threshold is above the upper one')
  if (tunnel?.type === 'gue' && !tunnel.port) throw new IpvsError('EINVAL', 'a GUE tunnel needs a port')
  if (options.method === 'tunnel' && tunnel && tunnel.type !== 'ipip')
    throw new SluiceError('SLUICE_UNSUPPORTED', { what: `a ${tunnel.type.toUpperCase()} tunnel` })
}

/** What the director finds out itself about a server at the time of an edit. */
export interface ServerPlace {
  /** An address of the director itself. */
  readonly local: boolean
  /** Outer source of its tunnel, four bytes; zeros where that is not known or not needed. */
  readonly tunnelSource: Uint8Array
}

export function writeServerOptions(record: ServerOptionsRecord, options: ServerOptions, place: ServerPlace): void {
  record.weight = options.weight
  record.upper = options.upperThreshold ?? 0
  record.lower = options.lowerThreshold ?? 0
  record.method = methods[options.method]
  record.tunnel = SluiceTunnel.IPIP
  record.tunnelFlags = 0
  record.tunnelPort = 0
  record.local = place.local ? 1 : 0
  const { tunnelSource } = place
  record.tunnelSource = new DataView(tunnelSource.buffer, tunnelSource.byteOffset).getUint32(0)
}

export function readServerOptions(record: ServerOptionsRecord): ServerOptions {
  const method = methodNames.get(record.method) ?? 'route'
  return {
    method,
    weight: record.weight,
    upperThreshold: record.upper,
    lowerThreshold: record.lower,
    ...(method === 'tunnel' ? { tunnel: { type: 'ipip' } as const } : {}),
  }
}
