import { defaultAvailabilityPath } from '../../availability/index.js'
import { SluiceError } from '../../errors.js'
import { checkSysctl } from '../../ipvs/index.js'
import type { Config, SyncPlan } from '../plan.js'
import { present } from '../present.js'
import type { Problems } from '../problems.js'
import type { ParsedConfig } from '../schema/index.js'
import { resolveServices } from './services.js'
import { resolveVrrp } from './vrrp.js'

/** Fills in defaults, resolves names, and looks for what does not go together: that is reported, and the plan not to be used. */
export function resolve(parsed: ParsedConfig, file: string, problems: Problems): Config {
  const { services, ways } = resolveServices(parsed, problems)
  const sysctls = Object.entries(parsed.sysctls ?? {}).map(([key, value]) => [key, String(value)] as const)
  for (const [key, value] of sysctls) checkParameter(key, value, problems)
  return {
    file,
    onStop: parsed.daemon?.on_stop ?? 'keep',
    availability: parsed.daemon?.availability ?? defaultAvailabilityPath,
    timeouts: resolveTimeouts(parsed.timeouts),
    sysctls: Object.fromEntries(sysctls),
    services,
    ways,
    vrrp: resolveVrrp(parsed.vrrp ?? {}, new Set(Object.keys(parsed.services ?? {})), problems),
    sync: resolveSync(parsed.sync, services, problems),
  }
}

export function resolveTimeouts(timeouts: ParsedConfig['timeouts']) {
  return present({ tcp: timeouts?.tcp, tcpFin: timeouts?.tcp_fin, udp: timeouts?.udp })
}

function checkParameter(key: string, value: string, problems: Problems): void {
  try {
    checkSysctl(key, value)
  } catch (error) {
    if (!SluiceError.is(error)) throw error
    const what = error.code === 'SLUICE_NO_SYSCTL' ? `there is no sysctl ${key}` : `${value} is no value of ${key}`
    problems.add(['sysctls'], `${what}; ${error.hint}`, key)
  }
}

function resolveSync(
  sync: ParsedConfig['sync'],
  services: Config['services'],
  problems: Problems,
): SyncPlan | undefined {
  if (!sync) return undefined
  for (const { name, key, servers } of services) {
    const wide = 'fwmark' in key ? key.family === 'inet6' : key.address.includes(':')
    if (servers.some((server) => server.key.address.includes(':') !== wide))
      problems.add(
        ['services', name],
        'a tunnel leads to another family, which synchronization cannot tell; take one of them out',
      )
  }
  return {
    roles: sync.roles ?? ['master', 'backup'],
    options: {
      interface: sync.interface,
      ...present({ syncid: sync.id, group: sync.group, port: sync.port, ttl: sync.ttl, maxLength: sync.max_length }),
    },
  }
}
