import type { ConnectionEntry, ForwardingMethod } from '../ipvs/index.js'
import { Flag, Method, type SyncConnection } from './message.js'

const methods: readonly ForwardingMethod[] = ['masq', 'local', 'tunnel', 'route']

/** Full NAT is nobody else's, and its connections are not sent. */
const methodNumbers: Readonly<Record<ForwardingMethod, number>> = {
  masq: Method.MASQ,
  local: Method.LOCAL,
  tunnel: Method.TUNNEL,
  route: Method.ROUTE,
  fullnat: Method.MASQ,
}

/** What a message tells, for the table. What the table cannot hold (sequences, an engine's data) is left to the caller. */
export function entryOf(connection: SyncConnection): ConnectionEntry {
  const { flags, timeout } = connection
  return {
    family: connection.family,
    protocol: connection.protocol,
    template: (flags & Flag.TEMPLATE) !== 0,
    clientAddress: connection.clientAddress,
    clientPort: connection.clientPort,
    virtualAddress: connection.virtualAddress,
    virtualPort: connection.virtualPort,
    serverAddress: connection.serverAddress,
    serverPort: connection.serverPort,
    fwmark: connection.fwmark,
    method: methods[flags & Flag.METHOD_MASK] ?? 'route',
    state: connection.state,
    inactive: (flags & Flag.INACTIVE) !== 0,
    noOutput: (flags & Flag.NO_OUTPUT) !== 0,
    // version 0 tells none; a template's is then three minutes, as in the kernel
    ...(timeout ? { timeout } : flags & Flag.TEMPLATE ? { timeout: 180 } : {}),
  }
}

/** What the table has, for a message. */
export function connectionOf(entry: ConnectionEntry): SyncConnection {
  return {
    family: entry.family,
    protocol: entry.protocol,
    flags:
      methodNumbers[entry.method] |
      (entry.noOutput ? Flag.NO_OUTPUT : 0) |
      (entry.inactive ? Flag.INACTIVE : 0) |
      (entry.template ? Flag.TEMPLATE : 0),
    state: entry.state,
    clientAddress: entry.clientAddress,
    clientPort: entry.clientPort,
    virtualAddress: entry.virtualAddress,
    virtualPort: entry.virtualPort,
    serverAddress: entry.serverAddress,
    serverPort: entry.serverPort,
    fwmark: entry.fwmark,
    timeout: entry.timeout ?? 0,
  }
}
