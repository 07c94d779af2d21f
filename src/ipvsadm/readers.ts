import type { Protocol } from '../ipvs/types.js'
import { formatIPv4, formatIPv6, readDottedIPv4, readIPv4, readIPv6 } from './address.js'
import type { DaemonOptions, Draft } from './draft.js'
import { UsageError } from './usage-error.js'
import { endpointOf, type Lookups, markOf, numberOf, timeoutOf } from './values.js'

/**
 * Reads an option's value into the draft. The value is a text wherever the option's argument is `required`, and it is
 * read when the option is met: what a value means may depend on the options before it, never on those after.
 *
 * @throws UsageError for a value that ipvsadm does not take
 */
export type Reader = (draft: Draft, value: string, lookups: Lookups) => void

const largestInt = 0x7fff_ffff

/** What the kernel holds of an interface's and a scheduler's name; ipvsadm cuts longer ones. */
const nameLength = 15

/** For an option without a value. */
export function put<K extends keyof Draft>(field: K, value: Draft[K]): Reader {
  return (draft) => {
    draft[field] = value
  }
}

export function service(protocol: Protocol): Reader {
  return (draft, value, lookups) => {
    const endpoint = endpointOf(value, protocol, lookups)
    if (!endpoint) throw new UsageError('illegal virtual server address[:port] specified')
    const { family, address, port = 0 } = endpoint
    Object.assign(draft, { protocol, family, address, port })
    if (family === 'inet6') draft.netmask = '128'
  }
}

export const fwmark: Reader = (draft, value) => {
  Object.assign(draft, { family: 'inet', protocol: 'tcp', fwmark: markOf(value) })
}

/** Makes an IPv6 service of a firewall mark. */
export const ipv6: Reader = (draft) => {
  if (draft.fwmark === undefined) throw new UsageError('-6 used before -f\n')
  draft.family = 'inet6'
  draft.netmask = '128'
}

export const scheduler: Reader = (draft, value) => {
  draft.scheduler = value.slice(0, nameLength)
}

/** Whether its names are known, and the scheduler's, is looked at when the scheduler is known too. */
export const schedulerFlags: Reader = (draft, value) => {
  draft.schedulerFlags = value
}

export const persistence: Reader = (draft, value: string | undefined) => {
  draft.persistence = value === undefined ? 360 : timeoutOf(value, 1)
}

/** A prefix length where the service before it is IPv6, a dotted mask otherwise. */
export const netmask: Reader = (draft, value) => {
  if (draft.family === 'inet6') {
    const length = Number.parseInt(value, 10)
    if (!(length >= 1 && length <= 128)) throw new UsageError('illegal ipv6 netmask specified')
    draft.netmask = String(length)
    return
  }
  const mask = readIPv4(value)
  if (mask === undefined) throw new UsageError('illegal virtual server persistent mask specified')
  draft.netmask = formatIPv4(mask)
}

/** `tcp,fin,udp`, seconds as `--set` takes them. */
export const serviceTimeouts: Reader = (draft, value) => {
  const [tcp, tcpFin, udp, ...more] = value.split(',')
  if (tcp === undefined || tcpFin === undefined || udp === undefined || more.length > 0)
    throw new UsageError('--timeouts option requires 3 timeout values, as in 900,120,300')
  draft.timeouts = { tcp: timeoutOf(tcp, 0), tcpFin: timeoutOf(tcpFin, 0), udp: timeoutOf(udp, 0) }
}

/** Addresses by commas. Whether they can be local ones is for the table to say. */
export const localAddresses: Reader = (draft, value) => {
  draft.localAddresses = value.split(',').map((text) => {
    const groups = readIPv6(text)
    if (groups) return formatIPv6(groups)
    const address = readDottedIPv4(text)
    if (address === undefined) throw new UsageError(`invalid local address \`${text}' specified`)
    return formatIPv4(address)
  })
}

export const engine: Reader = (draft, value) => {
  draft.engine = value.slice(0, nameLength + 1)
}

/** A server without a port gets the service's, if the service came before it. */
export const server: Reader = (draft, value, lookups) => {
  const endpoint = endpointOf(value, draft.protocol, lookups)
  if (!endpoint) throw new UsageError('illegal real server address[:port] specified')
  const { family, address, port = draft.port } = endpoint
  draft.server = { family, address, port }
}

export const weight: Reader = (draft, value) => {
  draft.weight = numberOf(value, 0, largestInt, 'weight')
}

export const upperThreshold: Reader = (draft, value) => {
  draft.upperThreshold = numberOf(value, 0, largestInt, 'u_threshold')
}

export const lowerThreshold: Reader = (draft, value) => {
  draft.lowerThreshold = numberOf(value, 0, largestInt, 'l_threshold')
}

export const tunnelType: Reader = (draft, value) => {
  if (value !== 'ipip' && value !== 'gue' && value !== 'gre') throw new UsageError('illegal tunnel type specified')
  draft.tunnel = value
}

export const tunnelPort: Reader = (draft, value) => {
  draft.tunnelPort = numberOf(value, 1, 65535, 'tunnel port')
}

export const mcastInterface: Reader = ({ daemon }, value) => {
  if (value !== '') daemon.interface = value.slice(0, nameLength)
}

/** @param what its name in the message */
export function daemonNumber(
  field: 'syncid' | 'maxLength' | 'port' | 'ttl',
  low: number,
  high: number,
  what: string,
): Reader {
  return ({ daemon }: { daemon: DaemonOptions }, value) => {
    daemon[field] = numberOf(value, low, high, what)
  }
}

export const mcastGroup: Reader = ({ daemon }, value) => {
  if (value.includes(':')) {
    const groups = readIPv6(value)
    if (!groups || (groups[0] ?? 0) >> 8 !== 0xff) throw new UsageError(`invalid IPv6 mcast-group \`${value}'`)
  } else {
    const address = readDottedIPv4(value)
    if (address === undefined || address >>> 28 !== 14) throw new UsageError(`invalid IPv4 mcast-group \`${value}'`)
  }
  daemon.group = value
}
