import { defaultRhythm, type Rhythm } from '../../checks/index.js'
import type { ServerKey } from '../../ipvs/types.js'
import type { Path } from '../document.js'
import type { CheckPlan, CheckQuestion } from '../plan.js'
import { present } from '../present.js'
import type { Problems } from '../problems.js'
import type { ParsedConfig } from '../schema/index.js'
import { didYouMean } from '../suggest.js'

type Check = NonNullable<ParsedConfig['checks']>[string]
export type Reference = string | Check

/** The checks of one server, in the order of the list. */
export function resolveChecks(
  references: readonly Reference[],
  { checks = {}, defaults }: ParsedConfig,
  server: ServerKey,
  path: Path,
  problems: Problems,
): CheckPlan[] {
  return references.flatMap((reference, i) => {
    const at = [...path, i]
    if (typeof reference !== 'string') return [plan(reference.kind, reference, defaults?.check, server, at, problems)]
    const check = Object.hasOwn(checks, reference) ? checks[reference] : undefined
    if (check) return [plan(reference, check, defaults?.check, server, at, problems)]
    problems.add(at, `there is no check ${reference}${didYouMean(reference, Object.keys(checks))}; name one of checks`)
    return []
  })
}

function plan(
  name: string,
  check: Check,
  defaults: NonNullable<ParsedConfig['defaults']>['check'],
  server: ServerKey,
  path: Path,
  problems: Problems,
): CheckPlan {
  const port = check.port ?? server.port
  if (port === 0 && check.kind !== 'ping' && check.kind !== 'script')
    problems.add(path, `check ${name} has no port, as the service is for every port; give the check its port`)
  return {
    name,
    question: question(check),
    rhythm: { ...defaultRhythm, ...rhythmOf(defaults ?? {}), ...rhythmOf(check) },
    target: { address: check.address ?? server.address, port },
  }
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
