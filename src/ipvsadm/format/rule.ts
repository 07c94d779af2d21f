import type { ForwardingMethod, Server, Service, Tunnel } from '../../ipvs/types.js'
import { schedulerFlagsText } from '../scheduler-flags.js'
import { maskOf, protocolOf } from './entry.js'
import type { Listing } from './listing.js'
import type { EndpointText } from './names.js'

const serviceOptions = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const

const methodOptions: Readonly<Record<ForwardingMethod, string>> = {
  masq: '-m',
  tunnel: '-i',
  route: '-g',
  local: '-g',
  fullnat: '--fullnat',
}

const clientAddressOptions = { toa: '--toa', proxy: '--proxy-protocol' } as const

const checksumOptions: Readonly<Record<NonNullable<Tunnel['checksum']>, string>> = {
  none: '--tun-nocsum',
  csum: '--tun-csum',
  remcsum: '--tun-remcsum',
}

/** `-t 10.0.0.1:80`, `-f 7 -6` */
function serviceWords({ key }: Service, endpoint: EndpointText): string {
  if ('fwmark' in key) return `-f ${key.fwmark | 0}${key.family === 'inet6' ? ' -6' : ''}`
  return `${serviceOptions[key.protocol]} ${endpoint(key.address, key.port, key.protocol)}`
}

function tunnelWords({ type, port, checksum = 'none' }: Tunnel): string[] {
  return [
    `--tun-type ${type}`,
    ...(type === 'gue' ? [`--tun-port ${port ?? 0}`] : []),
    ...(type === 'ipip' ? [] : [checksumOptions[checksum]]),
  ]
}

const thresholdWords = ({ upperThreshold, lowerThreshold }: Server): string[] => [
  ...(upperThreshold ? [`-x ${upperThreshold}`] : []),
  ...(lowerThreshold ? [`-y ${lowerThreshold}`] : []),
]

/**
 * `ipvsadm -S`: the options of the commands that make the table again.
 * @param thresholds `--thresholds`, which is ours: keeps `-x` and `-y`, which the real ipvsadm loses
 */
export const rule = (thresholds: boolean): Listing => ({
  title: '',
  service: (service, endpoint) => {
    const { scheduler, schedulerFlags, persistence, onePacket, timeouts, localAddresses } = service.options
    const flags = schedulerFlagsText(schedulerFlags, scheduler)
    return [
      `-A ${serviceWords(service, endpoint)} -s ${scheduler}`,
      ...(persistence?.timeout ? [`-p ${persistence.timeout}`, ...maskOf(service, '-M')] : []),
      ...(persistence?.engine ? [`--pe ${persistence.engine}`] : []),
      ...(onePacket ? ['-o'] : []),
      ...(flags !== undefined ? [`-b ${flags}`] : []),
      // ours, and only where somebody set them
      ...(timeouts ? [`--timeouts ${timeouts.tcp ?? 0},${timeouts.tcpFin ?? 0},${timeouts.udp ?? 0}`] : []),
      ...(localAddresses ? [`--laddr ${localAddresses.join(',')}`] : []),
    ].join(' ')
  },
  server: (server: Server, service, endpoint) =>
    [
      `-a ${serviceWords(service, endpoint)} -r ${endpoint(server.address, server.port, protocolOf(service.key))}`,
      `${methodOptions[server.method]} -w ${server.weight}`,
      ...(server.clientAddress ? [clientAddressOptions[server.clientAddress]] : []),
      ...(thresholds ? thresholdWords(server) : []),
      ...(server.method === 'tunnel' ? tunnelWords(server.tunnel ?? { type: 'ipip' }) : []),
    ].join(' '),
})
