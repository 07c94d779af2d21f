import type { Counters } from '../../ipvs/types.js'
import { exact, left, right, shortened } from './columns.js'
import { serverName, serverWidth, serviceName } from './entry.js'
import type { Listing } from './listing.js'

/** The title of the listings of five figures. */
export function figuresTitle(names: readonly string[]): string {
  return `${left('Prot LocalAddress:Port', 33)} ${names.map((name) => right(name, 8)).join(' ')}\n  -> RemoteAddress:Port`
}

/** `ipvsadm -L --stats`, with `--exact` all digits */
export function stats(allDigits: boolean): Listing {
  const figure = allDigits ? exact : shortened
  const figures = ({ connections, inPackets, outPackets, inBytes, outBytes }: Counters) =>
    [connections, inPackets, outPackets, inBytes, outBytes].map(figure).join('')
  return {
    title: figuresTitle(['Conns', 'InPkts', 'OutPkts', 'InBytes', 'OutBytes']),
    service: (service, endpoint) => `${left(serviceName(service, endpoint), 33)}${figures(service.counters)}`,
    server: (server, service, endpoint) =>
      `  -> ${left(serverName(server, service, endpoint), serverWidth)}${figures(server.counters)}`,
  }
}
