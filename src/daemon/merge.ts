import type { ServerOptions, ServiceOptions } from '../ipvs/index.js'
import {
  completeServiceOptions,
  type DesiredServer,
  type DesiredService,
  serverId,
  serverOptionsText,
  serviceOptionsText,
} from './desired.js'

/**
 * What a service should be where somebody else's edits are kept: what the daemon changes, from what it last made of the
 * service to what it should be now, is changed; all else stays as it is found.
 * @returns undefined: it was deleted, and stays so
 */
export function mergeService(applied: DesiredService, actual: DesiredService, desired: DesiredService): DesiredService {
  const then = new Map(applied.servers.map((server) => [serverId(server.key), server]))
  const now = new Map(actual.servers.map((server) => [serverId(server.key), server]))
  const servers: DesiredServer[] = []
  for (const server of desired.servers) {
    const id = serverId(server.key)
    const before = then.get(id)
    const found = now.get(id)
    // somebody took it out, and nothing about it has changed since
    if (before && !found && serverOptionsText(before.options) === serverOptionsText(server.options)) continue
    servers.push(
      before && found ? { key: server.key, options: overlay(before.options, found.options, server.options) } : server,
    )
    now.delete(id)
  }
  const strangers = [...now].filter(([id]) => !then.has(id)).map(([, server]) => server)
  return {
    key: desired.key,
    options:
      serviceOptionsText(applied.options) === serviceOptionsText(desired.options)
        ? actual.options
        : overlay(
            completeServiceOptions(applied.options),
            completeServiceOptions(actual.options),
            completeServiceOptions(desired.options),
          ),
    servers: [...servers, ...strangers],
  }
}

/** Field by field: what differs between `before` and `after` is as after, all else as found. */
function overlay<T extends ServiceOptions | ServerOptions>(before: T, found: T, after: T): T {
  const merged: Record<string, unknown> = {}
  for (const key of new Set([...Object.keys(found), ...Object.keys(after)]) as Set<keyof T & string>) {
    const value = text(before[key]) === text(after[key]) ? found[key] : after[key]
    if (value !== undefined) merged[key] = value
  }
  return merged as T
}

const text = (value: unknown) => JSON.stringify(value instanceof Set ? [...value].sort() : value)
