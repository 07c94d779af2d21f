import type { ConfigFile } from '../../schema/index.js'
import type { Check } from './checks.js'
import type { Services } from './services.js'

type Checks = NonNullable<ConfigFile['checks']>
type References = NonNullable<Services[string]['checks']>

/** Gives what is checked in several places a name: `http`, `http-2`. */
export function nameChecks(services: Services): [Services, Checks] {
  const counts = new Map<string, number>()
  eachList(services, (list) => {
    for (const check of list) counts.set(JSON.stringify(check), (counts.get(JSON.stringify(check)) ?? 0) + 1)
    return list
  })
  const checks: Checks = {}
  const names = new Map<string, string>()
  const nameOf = (check: Check): string | Check => {
    const text = JSON.stringify(check)
    if ((counts.get(text) ?? 0) < 2) return check
    const known = names.get(text)
    if (known !== undefined) return known
    const alike = Object.keys(checks).filter((name) => name.replace(/-\d+$/, '') === check.kind).length
    const name = alike === 0 ? check.kind : `${check.kind}-${alike + 1}`
    names.set(text, name)
    checks[name] = check
    return name
  }
  const named = eachList(services, (list) => list.map((each) => (typeof each === 'string' ? each : nameOf(each))))
  return [named, checks]
}

function eachList(services: Services, change: (list: References) => References): Services {
  const changed = <T extends { checks?: References | undefined }>(owner: T): T =>
    owner.checks ? { ...owner, checks: change(owner.checks) } : owner
  return Object.fromEntries(
    Object.entries(services).map(([name, service]) => {
      const own = changed(service)
      return [name, own.servers ? { ...own, servers: own.servers.map(changed) } : own]
    }),
  )
}
