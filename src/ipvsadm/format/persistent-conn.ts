import { left } from './columns.js'
import { serverName, serverWidth, serviceLine } from './entry.js'
import type { Listing } from './listing.js'

const columns = (weight: string | number, ...rest: readonly [string | number, string | number, string | number]) =>
  [left(weight, 9), left(rest[0], 11), left(rest[1], 10), left(rest[2], 10)].join(' ')

/** `ipvsadm -L --persistent-conn` */
export const persistentConn: Listing = {
  title: `${left('Prot LocalAddress:Port', 33)} ${columns('Weight', 'PersistConn', 'ActiveConn', 'InActConn')}\n  -> RemoteAddress:Port`,
  service: serviceLine,
  server: (server, service, endpoint) => {
    const name = left(serverName(server, service, endpoint), serverWidth)
    return `  -> ${name} ${columns(server.weight, server.persistent, server.active, server.inactive)}`
  },
}
