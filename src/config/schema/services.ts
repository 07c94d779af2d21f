import { isIPv4 } from 'node:net'
import * as z from 'zod'
import { schedulerFlagNames, schedulers } from '../../ipvs/index.js'
import type { ForwardingMethod } from '../../ipvs/types.js'
import { check, checkReference, rhythm } from './checks.js'
import { address, command, duration, flag, list, object, port, seconds, shown, whole, word } from './fields.js'

/** LVS's names of the forwarding methods, with those of ipvsadm and keepalived. */
const methods = {
  nat: 'masq',
  dr: 'route',
  tunnel: 'tunnel',
  fullnat: 'fullnat',
  masq: 'masq',
  route: 'route',
  tun: 'tunnel',
} as const satisfies Record<string, ForwardingMethod>

export const method = () =>
  word('forwarding method', Object.keys(methods) as [keyof typeof methods, ...(keyof typeof methods)[]]).transform(
    (name): ForwardingMethod => methods[name],
  )

export const scheduler = () => word('scheduler', [...schedulers.keys()] as [string, ...string[]])

const WEIGHT = 0x7fff_ffff

/** Of a service, or for all services that do not say otherwise. */
export const behaviour = {
  scheduler: scheduler().optional(),
  method: method().optional(),
  checks: list('checks', checkReference).optional(),
  /** No server is in the pool before its first check has succeeded. Default true. */
  alpha: flag().optional(),
  /** A server that fails keeps its place with weight 0. */
  inhibit_on_failure: flag().optional(),
  /** A server that comes back gets its weight little by little, within this time. */
  slow_start: duration().optional(),
  /** What becomes of an edit of what is ours that another command made. */
  on_edit: word('answer to an edit', ['keep', 'repair']).optional(),
}

const tunnel = object({
  type: word('type of tunnel', ['ipip', 'gue', 'gre']),
  /** GUE: port of the server. */
  port: port().optional(),
  checksum: word('checksum', ['none', 'csum', 'remcsum']).optional(),
})

const place = {
  address: address(),
  /** Default: the service's. */
  port: port(0).optional(),
  method: method().optional(),
  tunnel: tunnel.optional(),
  /** Full NAT of TCP: how the server learns the client's address. */
  client_address: word('way', ['toa', 'proxy']).optional(),
}

export const server = object({
  ...place,
  weight: whole(0, WEIGHT, 'weight').optional(),
  upper_threshold: whole(0, WEIGHT).optional(),
  lower_threshold: whole(0, WEIGHT).optional(),
  checks: list('checks', checkReference).optional(),
  inhibit_on_failure: flag().optional(),
  notify: object({ up: command().optional(), down: command().optional() }).optional(),
})

const sorryServer = object({ ...place, weight: whole(1, WEIGHT, 'weight').optional() })

const maskProblem = ({ input }: { readonly input?: unknown }) =>
  `${shown(input)} is no mask; write one such as 255.255.255.0, or for IPv6 a prefix length such as 64`

const netmask = z
  .union([z.string(), z.number()], { error: maskProblem })
  .refine((value) => (typeof value === 'string' && isIPv4(value)) || (Number(value) >= 1 && Number(value) <= 128), {
    error: maskProblem,
  })

export const timeouts = object({
  tcp: seconds(0, 0x7fff_ffff).optional(),
  tcp_fin: seconds(0, 0x7fff_ffff).optional(),
  udp: seconds(0, 0x7fff_ffff).optional(),
})

export const service = object({
  protocol: word('protocol', ['tcp', 'udp', 'sctp']).optional(),
  address: address().optional(),
  /** 0: every port; it needs persistence. */
  port: port(0).optional(),
  /** In place of protocol, address and port. */
  fwmark: whole(1, 0xffff_ffff, 'firewall mark').optional(),
  family: word('family', ['inet', 'inet6']).optional(),
  ...behaviour,
  flags: list('flags', word('scheduler flag', schedulerFlagNames)).optional(),
  persistence: object({
    timeout: seconds(1, 0x7fff_ffff).optional(),
    netmask: netmask.optional(),
    engine: word('persistence engine', ['sip']).optional(),
  }).optional(),
  /** UDP: every packet is scheduled. */
  one_packet: flag().optional(),
  timeouts: timeouts.optional(),
  /** Full NAT: addresses of the director by which its servers know it. */
  local_addresses: list('addresses', address()).optional(),
  quorum: object({
    /** Sum of the weights of the servers that are up. Default 1. */
    weight: whole(1, WEIGHT).optional(),
    /** As much more it takes to win it back, and less to lose it. Default 0. */
    hysteresis: whole(0, WEIGHT).optional(),
  }).optional(),
  sorry_server: sorryServer.optional(),
  notify: object({ quorum_up: command().optional(), quorum_down: command().optional() }).optional(),
  servers: list('servers', server).optional(),
})

export const defaults = object({ ...behaviour, check: object(rhythm).optional() })

export { check }
