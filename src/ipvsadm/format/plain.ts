import { left } from './columns.js'
import { methodNames, serverName, serverWidth, serviceLine } from './entry.js'
import type { Listing } from './listing.js'

/** `ipvsadm -L` */
export const plain: Listing = {
  title:
    'Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
  service: serviceLine,
  server: (server, service, endpoint) =>
    `  -> ${left(serverName(server, service, endpoint), serverWidth)} ${left(methodNames[server.method], 7)} ${left(server.weight, 6)} ${left(server.active, 10)} ${left(server.inactive, 10)}`,
}
