import type { Protocol, Service } from '../../ipvs/types.js'
import type { HostsDb } from '../hosts-db.js'
import type { ServicesDb } from '../services-db.js'

/**
 * How a listing writes an address and a port: `10.0.0.1:80` or `[fd00::1]:80`, by name where names are asked for. Without
 * a protocol the port stays a number.
 */
export type EndpointText = (address: string, port: number, protocol: Protocol | undefined) => string

const join = (host: string, port: string | number, address: string) =>
  address.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

export const numeric: EndpointText = (address, port) => join(address, port, address)

/** ipvsadm's room for a name with its port; longer ones are cut. */
const longest = 59

/** Names for all of `addresses`, looked up together. */
export function named(hosts: HostsDb, services: ServicesDb, addresses: readonly string[]): EndpointText {
  const names = hosts.names(addresses)
  return (address, port, protocol) =>
    join(names.get(address) ?? address, (protocol && services.name(port, protocol)) ?? port, address).slice(0, longest)
}

/** Every address that a listing of `services` shows. */
export function addressesOf(services: readonly Service[]): string[] {
  return services.flatMap(({ key, servers }) => [
    ...('address' in key ? [key.address] : []),
    ...servers.map(({ address }) => address),
  ])
}
