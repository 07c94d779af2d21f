import { readSysctl } from '../kernel/index.js'

const FIRST_UNPRIVILEGED = 1024
const LAST = 65535

/**
 * The ports that full NAT takes unless told otherwise: the larger part of those which this namespace's own sockets are
 * not given by themselves (`net.ipv4.ip_local_port_range`), so that no connection of the director's own looks like one
 * of full NAT.
 */
export function defaultLocalPorts(): { low: number; high: number } {
  const [low = 32768, high = 60999] = readSysctl('net.ipv4.ip_local_port_range').trim().split(/\s+/).map(Number)
  return low - FIRST_UNPRIVILEGED >= LAST - high
    ? { low: Math.min(FIRST_UNPRIVILEGED, low), high: low - 1 }
    : { low: high + 1, high: LAST }
}
