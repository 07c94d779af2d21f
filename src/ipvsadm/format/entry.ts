import type { ForwardingMethod, Protocol, Server, Service, ServiceKey } from '../../ipvs/types.js'
import { schedulerFlagsText } from '../scheduler-flags.js'
import { left } from './columns.js'
import type { EndpointText } from './names.js'

/** The width of an IPv4 service's name, protocol included: longer names are cut. */
const serviceWidth = 33
/** The same of a real server's. */
export const serverWidth = 28

/** The protocol whose names of ports a service's servers are listed by: a firewall mark has none. */
export const protocolOf = (key: ServiceKey): Protocol | undefined => ('protocol' in key ? key.protocol : undefined)

/** `TCP  10.0.0.1:80`, `FWM  7`, `FWM  7 IPv6` */
export function serviceName({ key }: Service, endpoint: EndpointText): string {
  // ipvsadm prints the mark as a signed number
  if ('fwmark' in key) return `FWM  ${key.fwmark | 0}${key.family === 'inet6' ? ' IPv6' : ''}`
  const name = `${left(key.protocol.toUpperCase(), 4)} ${endpoint(key.address, key.port, key.protocol)}`
  return key.address.includes(':') ? name : name.slice(0, serviceWidth)
}

/** `TCP  10.0.0.1:80 wlc (flag-1) persistent 360 mask 255.255.0.0 pe sip ops`: a service's line in most listings. */
export function serviceLine(service: Service, endpoint: EndpointText): string {
  const { scheduler, schedulerFlags, persistence, onePacket } = service.options
  const flags = schedulerFlagsText(schedulerFlags, scheduler)
  return [
    serviceName(service, endpoint),
    scheduler,
    ...(flags !== undefined ? [`(${flags})`] : []),
    // an engine without persistence is listed by -S alone
    ...(persistence?.timeout
      ? [
          `persistent ${persistence.timeout}`,
          ...maskOf(service, 'mask'),
          ...(persistence.engine ? [`pe ${persistence.engine}`] : []),
        ]
      : []),
    ...(onePacket ? ['ops'] : []),
  ].join(' ')
}

/** The words for the netmask of a persistent service, none when a client is one address. */
export function maskOf({ options }: Service, word: string): string[] {
  const netmask = options.persistence?.netmask
  if (netmask === undefined || netmask === '255.255.255.255' || netmask === '128') return []
  return [`${word} ${netmask}`]
}

/** `10.0.0.2:80` */
export function serverName(server: Server, service: Service, endpoint: EndpointText): string {
  const name = endpoint(server.address, server.port, protocolOf(service.key))
  return server.address.includes(':') ? name : name.slice(0, serverWidth)
}

export const methodNames: Readonly<Record<ForwardingMethod, string>> = {
  masq: 'Masq',
  local: 'Local',
  tunnel: 'Tunnel',
  route: 'Route',
  fullnat: 'FullNat',
}
