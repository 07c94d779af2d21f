import type { ServerKey, ServerOptions, Service, ServiceKey, ServiceOptions } from '../ipvs/index.js'

/** A service as it should stand in the table. */
export interface DesiredService {
  readonly key: ServiceKey
  readonly options: ServiceOptions
  /** In the order in which they are added. */
  readonly servers: readonly DesiredServer[]
}

export interface DesiredServer {
  readonly key: ServerKey
  readonly options: ServerOptions
}

/** A service that is in the table, as it would have been desired. */
export const asDesired = ({ key, options, servers }: Service): DesiredService => ({
  key,
  options,
  // the table lists the last one first
  servers: servers
    .toReversed()
    .map(({ address, port, method, clientAddress, tunnel, weight, upperThreshold, lowerThreshold, releasing }) => ({
      key: { address, port },
      options: {
        method,
        weight,
        ...(clientAddress ? { clientAddress } : {}),
        ...(releasing ? { releasing } : {}),
        ...(tunnel ? { tunnel } : {}),
        ...(upperThreshold === undefined ? {} : { upperThreshold }),
        ...(lowerThreshold === undefined ? {} : { lowerThreshold }),
      },
    })),
})

/** A text that is the same for the same service. */
export const serviceId = (key: ServiceKey): string =>
  'fwmark' in key ? `fwmark ${key.fwmark} ${key.family}` : `${key.protocol} ${key.address} ${key.port}`

export const serverId = ({ address, port }: ServerKey): string => `${address} ${port}`

/** What is told to the table: what a service does not say is said too, so that it replaces what was there. */
export function completeServiceOptions(options: ServiceOptions): ServiceOptions {
  const { timeouts = {}, localAddresses = [] } = options
  return { ...options, timeouts: { tcp: 0, tcpFin: 0, udp: 0, ...timeouts }, localAddresses }
}

/** A text that is the same for options that mean the same. */
export function serviceOptionsText(options: ServiceOptions): string {
  const {
    scheduler,
    schedulerFlags,
    persistence,
    onePacket = false,
    timeouts,
    localAddresses,
  } = completeServiceOptions(options)
  const mask = persistence?.netmask
  const everyBit = mask === undefined || mask === '255.255.255.255' || mask === '128'
  return JSON.stringify([
    scheduler,
    [...(schedulerFlags ?? [])].sort(),
    persistence ? [persistence.timeout, everyBit ? '' : mask, persistence.engine ?? ''] : [],
    onePacket,
    [timeouts?.tcp, timeouts?.tcpFin, timeouts?.udp],
    [...(localAddresses ?? [])].sort(),
  ])
}

/** As {@link serviceOptionsText}. */
export function serverOptionsText(options: ServerOptions): string {
  const { method, clientAddress = '', tunnel = { type: 'ipip' }, releasing = false } = options
  const { upperThreshold = 0, lowerThreshold = 0 } = options
  const path = method === 'tunnel' ? [tunnel.type, tunnel.port ?? 0, tunnel.checksum ?? 'none'] : []
  return JSON.stringify([method, clientAddress, path, upperThreshold, lowerThreshold, releasing, options.weight])
}
