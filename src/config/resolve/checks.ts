import { defaultRhythm, type Rhythm } from '../../checks/index.js'
import type { ServiceKey } from '../../ipvs/types.js'
import type { Path } from '../document.js'
import type { CheckPlan, CheckQuestion, PlannedServer } from '../plan.js'
import { present } from '../present.js'
import type { Problems } from '../problems.js'
import type { ParsedConfig } from '../schema/index.js'
import { didYouMean } from '../suggest.js'
import type { Ways } from './ways.js'

type Check = NonNullable<ParsedConfig['checks']>[string]
export type Reference = string | Check

/** Whose checks they are. */
export interface Checked {
  readonly service: ServiceKey
  readonly server: PlannedServer
  readonly ways: Ways
  readonly problems: Problems
}

/** The checks of one server, in the order of the list. */
export function resolveChecks(
  references: readonly Reference[],
  { checks = {}, defaults }: ParsedConfig,
  checked: Checked,
  path: Path,
): CheckPlan[] {
  const { problems } = checked
  return references.flatMap((reference, i) => {
    const at = [...path, i]
    if (typeof reference !== 'string') return [plan(reference.kind, reference, defaults?.check, checked, at)]
    const check = Object.hasOwn(checks, reference) ? checks[reference] : undefined
    if (check) return [plan(reference, check, defaults?.check, checked, at)]
    problems.add(at, `there is no check ${reference}${didYouMean(reference, Object.keys(checks))}; name one of checks`)
    return []
  })
}

function plan(
  name: string,
  check: Check,
  defaults: NonNullable<ParsedConfig['defaults']>['check'],
  checked: Checked,
  path: Path,
): CheckPlan {
  const { problems } = checked
  const server = checked.server.key
  const port = check.port ?? server.port
  if (port === 0 && check.kind !== 'ping' && check.kind !== 'script')
    problems.add(path, `check ${name} has no port, as the service is for every port; give the check its port`)
  return {
    name,
    question: question(check),
    rhythm: { ...defaultRhythm, ...rhythmOf(defaults ?? {}), ...rhythmOf(check) },
    target: { address: check.address ?? server.address, port, ...way(name, check, checked, path) },
  }
}

/** Where a check comes from, and for one by the VIP how it finds its server. */
function way(
  name: string,
  check: Check,
  { service, server, ways, problems }: Checked,
  path: Path,
): Partial<CheckPlan['target']> {
  const source = present({ source: 'source' in check ? check.source : undefined })
  if (!('vip' in check) || !check.vip) return source
  const add = (text: string) => problems.add(path, `check ${name} goes by the VIP: ${text}`)
  const { method } = server.options
  const vip = check.address ?? ('address' in service ? service.address : undefined)
  if (method !== 'route' && method !== 'tunnel')
    add('only servers of dr and tunnel get packets that are addressed to it; leave vip out')
  if (vip === undefined) {
    add('a service of a firewall mark names none; give the check its address')
    return source
  }
  const wide = vip.includes(':')
  if (wide !== server.key.address.includes(':') && check.source === undefined)
    add('the server is of another family, which says no address to come from; give the check its source')
  const { key } = ways.to(wide ? 'inet6' : 'inet', server)
  return { ...source, address: vip, through: { mark: key.fwmark, server: server.key.address } }
}

function rhythmOf(
  source: Partial<Pick<Check, 'interval' | 'timeout' | 'retries' | 'retry_delay' | 'rise' | 'fall' | 'jitter'>>,
): Partial<Rhythm> {
  const { interval, timeout, retries, retry_delay, rise, fall, jitter } = source
  return present({ interval, timeout, retries, retryDelay: retry_delay, rise, fall, jitter })
}

function question(check: Check): CheckQuestion {
  switch (check.kind) {
    case 'tcp':
    case 'ping':
      return { kind: check.kind }
    case 'http':
    case 'https': {
      const { path, method, host, status, body, digest, headers } = check
      const tls = check.kind === 'https' ? { tls: true, ...present({ verify: check.verify }) } : {}
      return { kind: 'http', ...present({ path, method, host, status, body, digest, headers }), ...tls }
    }
    case 'grpc':
      return { kind: 'grpc', ...present({ service: check.service, tls: check.tls }) }
    case 'dns':
      return { kind: 'dns', ...present({ name: check.name, type: check.type }) }
    case 'smtp':
      return { kind: 'smtp', ...present({ helo: check.helo }) }
    case 'udp': {
      const { payload, require_reply, min_reply, max_reply, reply } = check
      const needsReply = require_reply ?? [min_reply, max_reply, reply].some((each) => each !== undefined)
      return {
        kind: 'udp',
        requireReply: needsReply,
        ...present({
          payload: payload === undefined ? undefined : payloadBytes(payload),
          minReply: min_reply,
          maxReply: max_reply,
          reply,
        }),
      }
    }
    case 'script':
      return { kind: 'script', command: check.command, ...present({ dynamicWeight: check.dynamic_weight }) }
    case 'redis':
      return { kind: 'redis', ...present({ user: check.user, password: check.password }) }
  }
}

const payloadBytes = (text: string): Uint8Array =>
  text.startsWith('hex:') ? Buffer.from(text.slice(4).replaceAll(/[ :]/g, ''), 'hex') : Buffer.from(text)
