import type { Server } from '../../ipvs/types.js'
import { left } from './columns.js'
import { methodNames, serverName, serverWidth, serviceLine } from './entry.js'
import type { Listing } from './listing.js'

const checksums = { none: '-c', csum: '+c', remcsum: 'r+c' } as const

/** `ipvsadm -L --tun-info` */
export const tunInfo: Listing = {
  title:
    'Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn',
  service: serviceLine,
  server: (server, service, endpoint) =>
    `  -> ${left(serverName(server, service, endpoint), serverWidth)} ${left(methodNames[server.method], 7)} ${left(tunnelText(server), 13)} ${left(server.weight, 6)} ${left(server.active, 10)} ${left(server.inactive, 10)}`,
}

/** `ipip`, `gue:6080:+c`, `gre:-c`, and `n/a` for a server behind no tunnel. */
function tunnelText({ method, tunnel }: Server): string {
  if (method !== 'tunnel') return 'n/a'
  const checksum = checksums[tunnel?.checksum ?? 'none']
  if (tunnel?.type === 'gue') return `gue:${tunnel.port ?? 0}:${checksum}`
  if (tunnel?.type === 'gre') return `gre:${checksum}`
  return 'ipip'
}
