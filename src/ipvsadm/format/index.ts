import type { Service } from '../../ipvs/types.js'
import type { TableView } from '../command.js'
import { byServer, byService, sorted } from '../sort.js'
import type { Listing } from './listing.js'
import type { EndpointText } from './names.js'
import { persistentConn } from './persistent-conn.js'
import { plain } from './plain.js'
import { rate } from './rate.js'
import { stats } from './stats.js'
import { thresholds } from './thresholds.js'
import { tunInfo } from './tun-info.js'

export { connectionsText } from './connections.js'
export { daemonText } from './daemon.js'
export { addressesOf, type EndpointText, named, numeric } from './names.js'
export { rule } from './rule.js'
export { timeoutText } from './timeout.js'

/** The listing that a command line asks for; where it asks for several, the first of ipvsadm's order. */
export function listingOf(view: TableView): Listing {
  if (view.stats) return stats(view.exact)
  if (view.rate) return rate(view.exact)
  if (view.thresholds) return thresholds
  if (view.persistentConn) return persistentConn
  return view.tunInfo ? tunInfo : plain
}

/** ipvsadm's first line over a whole table. */
export function versionLine(connectionTableSize: number): string {
  return `IP Virtual Server version 1.2.1 (size=${connectionTableSize})\n`
}

/** The services with their servers, a line each. */
export function listText(
  listing: Listing,
  services: readonly Service[],
  sort: boolean,
  endpoint: EndpointText,
): string {
  const lines = listing.title === '' ? [] : [listing.title]
  for (const service of sort ? sorted(services, byService) : services) {
    lines.push(listing.service(service, endpoint))
    for (const server of sort ? sorted(service.servers, byServer) : service.servers)
      lines.push(listing.server(server, service, endpoint))
  }
  return lines.map((line) => `${line}\n`).join('')
}
