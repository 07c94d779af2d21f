import type { Family, Protocol } from '../ipvs/types.js'
import { formatIPv4, formatIPv6, readIPv4, readIPv6 } from './address.js'
import { UsageError } from './usage-error.js'

/** How names become numbers; both are asked only for what is no number. */
export interface Lookups {
  /** The IPv4 address of a host. */
  host(name: string): string | undefined
  port(name: string, protocol: Protocol): number | undefined
}

/** The longest time that ipvsadm takes, seconds: 31 days. */
const longestTimeout = 31 * 24 * 60 * 60

/** A whole decimal number as `strtol` reads it (blanks and a sign before it), from `low` to `high`, or undefined. */
export function wholeNumber(text: string, low: number, high: number): number | undefined {
  if (!/^[ \t\n\v\f\r]*[+-]?\d+$/.test(text)) return undefined
  const value = Number(text)
  return value >= low && value <= high ? value : undefined
}

/** {@link wholeNumber} or the error `illegal … specified`. */
export function numberOf(text: string, low: number, high: number, what: string): number {
  const value = wholeNumber(text, low, high)
  if (value === undefined) throw new UsageError(`illegal ${what} specified`)
  return value
}

/** Seconds of a timeout. @param low 1, or 0 where 0 keeps what is */
export function timeoutOf(text: string, low: 0 | 1): number {
  const value = wholeNumber(text, low, longestTimeout)
  if (value === undefined) throw new UsageError(`invalid timeout value \`${text}' specified`)
  return value
}

export function markOf(text: string): number {
  const value = wholeNumber(text, 1, 0xffff_ffff)
  if (value === undefined) throw new UsageError(`invalid fwmark value \`${text}' specified`)
  return value
}

export interface EndpointValue {
  readonly family: Family
  readonly address: string
  /** Absent where the text names none. */
  readonly port?: number
}

/**
 * `host[:port]`, `[IPv6]:port` or a bare IPv6 address; undefined for what is none of these. A number alone is none: it
 * would be a port as likely as an address.
 */
export function endpointOf(text: string, protocol: Protocol | undefined, lookups: Lookups): EndpointValue | undefined {
  const bracketed = /^\[([^\]]*)\]:(.*)$/s.exec(text)
  if (text.startsWith('[') && !bracketed) return undefined
  const [, inner = text, outerPort] = bracketed ?? []
  const groups = readIPv6(inner)
  if (groups) return withPort({ family: 'inet6', address: formatIPv6(groups) }, outerPort, protocol, lookups)
  // ipvsadm forgets the port behind brackets that hold no IPv6 address
  const [, host = '', port] = /^(.*?)(?::([^:]*))?$/s.exec(inner) ?? []
  if (host === '' || /^\d+$/.test(text)) return undefined
  const ipv4 = readIPv4(host)
  const address = ipv4 === undefined ? lookups.host(host) : formatIPv4(ipv4)
  return address === undefined ? undefined : withPort({ family: 'inet', address }, port, protocol, lookups)
}

function withPort(
  endpoint: EndpointValue,
  text: string | undefined,
  protocol: Protocol | undefined,
  lookups: Lookups,
): EndpointValue | undefined {
  if (text === undefined) return endpoint
  // a name means nothing before the protocol is known
  const port = wholeNumber(text, 0, 65535) ?? (protocol && lookups.port(text, protocol))
  return port === undefined ? undefined : { ...endpoint, port }
}
