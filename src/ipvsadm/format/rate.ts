import { exact, left, right, shortened } from './columns.js'
import { serverName, serverWidth, serviceName } from './entry.js'
import type { Listing } from './listing.js'
import { figuresTitle } from './stats.js'

/** `ipvsadm -L --rate`: of a server, only the bytes are ever shortened. The titles say bits; ipvsadm means bytes. */
export function rate(allDigits: boolean): Listing {
  const figure = allDigits ? exact : shortened
  return {
    title: figuresTitle(['CPS', 'InPPS', 'OutPPS', 'InBPS', 'OutBPS']),
    service: (service, endpoint) => {
      const { connections, inPackets, outPackets, inBytes, outBytes } = service.rates
      const figures = [connections, inPackets, outPackets, inBytes, outBytes].map(figure).join('')
      return `${left(serviceName(service, endpoint), 33)}${figures}`
    },
    server: (server, service, endpoint) => {
      const { connections, inPackets, outPackets, inBytes, outBytes } = server.rates
      const raw = [connections, inPackets, outPackets].map((count) => ` ${right(count, 8)}`).join('')
      const name = left(serverName(server, service, endpoint), serverWidth)
      return `  -> ${name}${raw}${figure(inBytes)}${figure(outBytes)}`
    },
  }
}
