import { left } from './columns.js'
import { serverName, serverWidth, serviceLine } from './entry.js'
import type { Listing } from './listing.js'

/** `ipvsadm -L --thresholds` */
export const thresholds: Listing = {
  title: `${left('Prot LocalAddress:Port', 33)} ${['Uthreshold', 'Lthreshold', 'ActiveConn', 'InActConn'].map((name) => left(name, 10)).join(' ')}\n  -> RemoteAddress:Port`,
  service: serviceLine,
  server: (server, service, endpoint) => {
    const { upperThreshold = 0, lowerThreshold = 0, active, inactive } = server
    const figures = [upperThreshold, lowerThreshold, active, inactive].map((count) => left(count, 10))
    return `  -> ${left(serverName(server, service, endpoint), serverWidth)} ${figures.join(' ')}`
  },
}
