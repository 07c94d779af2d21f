import { type Config, endpointText, serviceText } from '../config/index.js'
import type { ForwardingMethod, ServerOptions } from '../ipvs/index.js'
import type { DesiredServer, DesiredService } from './desired.js'
import type { Edit } from './edits.js'

/** Edits and configurations in words that one wants to read. */

const methodNames: Readonly<Record<ForwardingMethod, string>> = {
  masq: 'nat',
  route: 'dr',
  tunnel: 'tunnel',
  local: 'local',
  fullnat: 'fullnat',
}

export const methodName = (method: ForwardingMethod): string => methodNames[method]

/** `server 10.1.0.1:80 nat, weight 1` */
export function serverWords({ key, options }: DesiredServer): string {
  return `server ${endpointText(key)} ${serverOptionWords(options).join(', ')}`
}

function serverOptionWords({
  releasing,
  method,
  weight,
  tunnel,
  clientAddress,
  upperThreshold,
  lowerThreshold,
}: ServerOptions): string[] {
  return [
    methodNames[method],
    `weight ${weight}`,
    ...(method === 'tunnel' && tunnel && tunnel.type !== 'ipip'
      ? [`${tunnel.type} ${tunnel.port ?? ''} ${tunnel.checksum ?? ''}`.trim()]
      : []),
    ...(clientAddress ? [`client address by ${clientAddress}`] : []),
    ...(upperThreshold ? [`upper threshold ${upperThreshold}`] : []),
    ...(lowerThreshold ? [`lower threshold ${lowerThreshold}`] : []),
    ...(releasing ? ['clients released'] : []),
  ]
}

function serviceOptionWords({ options }: DesiredService): string[] {
  const { scheduler, schedulerFlags, persistence, onePacket, timeouts = {}, localAddresses = [] } = options
  const limits = Object.entries(timeouts).filter(([, seconds]) => seconds)
  return [
    `scheduler ${scheduler}`,
    ...(schedulerFlags && schedulerFlags.size > 0 ? [`flags ${[...schedulerFlags].sort().join(' ')}`] : []),
    ...(persistence
      ? [
          `persistent ${persistence.timeout}s${persistence.netmask ? ` by ${persistence.netmask}` : ''}${persistence.engine ? ` ${persistence.engine}` : ''}`,
        ]
      : []),
    ...(onePacket ? ['one packet'] : []),
    ...(limits.length > 0 ? [`timeouts ${limits.map(([name, seconds]) => `${name} ${seconds}s`).join(' ')}`] : []),
    ...(localAddresses.length > 0 ? [`local addresses ${localAddresses.join(' ')}`] : []),
  ]
}

/** What is otherwise: `weight 1 → 3`; what only one of both has stands alone. */
function difference(before: readonly string[], after: readonly string[]): string {
  const head = (text: string) => text.split(' ')[0] ?? text
  const gone = before.filter((each) => !after.includes(each))
  const come = after.filter((each) => !before.includes(each))
  const words = come.map((each) => {
    const old = gone.find((one) => head(one) === head(each))
    return old ? `${old} → ${each.slice(head(each).length + 1) || each}` : `with ${each}`
  })
  const lost = gone.filter((each) => !come.some((one) => head(one) === head(each)))
  return [...words, ...lost.map((each) => `without ${each}`)].join(', ')
}

/** An edit without its service's name: `- server 10.1.0.1:80`. */
export function editWords(edit: Edit): string {
  switch (edit.edit) {
    case 'add-service':
      return `+ ${serviceText(edit.service.key)} ${serviceOptionWords(edit.service).join(', ')}`
    case 'delete-service':
      return `- ${serviceText(edit.service.key)}`
    case 'edit-service':
      return `~ ${edit.before ? difference(serviceOptionWords(edit.before), serviceOptionWords(edit.service)) : serviceOptionWords(edit.service).join(', ')}`
    case 'add-server':
      return `+ ${serverWords(edit.server)}`
    case 'delete-server':
      return `- server ${endpointText(edit.server.key)}`
    case 'edit-server': {
      const now = serverOptionWords(edit.server.options)
      return `~ server ${endpointText(edit.server.key)} ${edit.before ? difference(serverOptionWords(edit.before.options), now) : now.join(', ')}`
    }
  }
}

/** One change that a new configuration brings. */
export interface Change {
  /** `service web`, `instance VI_1`, `synchronization`, … */
  readonly what: string
  /** Lines that begin with +, - or ~. */
  readonly lines: readonly string[]
}

type Plain = Readonly<Record<string, unknown>>

/** What a new configuration changes, without a look at servers' health. Empty: nothing. */
export function configChanges(before: Config | undefined, after: Config): Change[] {
  const named = <T extends { readonly name: string }>(
    what: string,
    of: (config: Config) => readonly T[],
    plain: (each: T) => Plain,
  ) => namedChanges(what, before ? of(before) : [], of(after), plain)
  return [
    ...named('service', ({ services }) => services, servicePlain),
    ...named(
      'instance',
      ({ vrrp }) => vrrp.instances,
      (instance) => ({ ...instance }),
    ),
    ...named(
      'group',
      ({ vrrp }) => vrrp.groups,
      (group) => ({ ...group }),
    ),
    ...named(
      'script',
      ({ vrrp }) => vrrp.scripts,
      (script) => ({ ...script }),
    ),
    ...plainChanges(
      'synchronization',
      before?.sync && { ...before.sync.options, roles: before.sync.roles },
      after.sync && { ...after.sync.options, roles: after.sync.roles },
    ),
    ...plainChanges('timeouts', { ...before?.timeouts }, { ...after.timeouts }),
    ...plainChanges('sysctls', { ...before?.sysctls }, { ...after.sysctls }),
    ...plainChanges('daemon', before && { onStop: before.onStop, notifyFifo: before.vrrp.notifyFifo }, {
      onStop: after.onStop,
      notifyFifo: after.vrrp.notifyFifo,
    }),
  ]
}

function servicePlain({ name: _, key, options, servers, sorry, ...rest }: Config['services'][number]): Plain {
  const words = Object.fromEntries(
    servers.map((server) => {
      const { key, options, checks, inhibitOnFailure, notify } = server
      const checked =
        checks.length === 0 ? 'unchecked' : `checked by ${checks.map((check) => checkWords(check)).join(' and ')}`
      const more = [
        checked,
        ...(inhibitOnFailure ? ['inhibited on failure'] : []),
        ...Object.entries(notify).map(([when, command]) => `${when} ${command.join(' ')}`),
      ]
      return [`server ${endpointText(key)}`, [...serverOptionWords(options), ...more].join(', ')]
    }),
  )
  return {
    place: serviceText(key),
    ...Object.fromEntries(
      serviceOptionWords({ key, options, servers: [] }).map((each) => [
        each.split(' ')[0] as string,
        each.split(' ').slice(1).join(' ') || 'yes',
      ]),
    ),
    ...rest,
    ...(sorry ? { 'sorry server': serverWords(sorry).slice('server '.length) } : {}),
    ...words,
  }
}

function checkWords({
  name,
  question,
  rhythm,
  target,
}: Config['services'][number]['servers'][number]['checks'][number]): string {
  const { kind, ...rest } = question
  const asked = Object.entries(rest).map(([key, value]) => `${key} ${valueWords(value)}`)
  const how = [`every ${rhythm.interval}ms`, `within ${rhythm.timeout}ms`, `rise ${rhythm.rise}`, `fall ${rhythm.fall}`]
  const more = [...(rhythm.retries ? [`retries ${rhythm.retries}`] : [])]
  return `${name === kind ? kind : `${name} (${kind})`} at ${placeText(target)} [${[...asked, ...how, ...more].join(', ')}]`
}

const placeText = ({
  source,
  through,
  ...target
}: Config['services'][number]['servers'][number]['checks'][number]['target']): string =>
  [
    endpointText(target),
    ...(through ? [`on ${through.server}`] : []),
    ...(source === undefined ? [] : [`from ${source}`]),
  ].join(' ')

const valueWords = (value: unknown): string =>
  value === undefined
    ? 'none'
    : typeof value === 'string'
      ? value
      : value instanceof RegExp
        ? String(value)
        : value instanceof Set
          ? [...value].join(' ')
          : JSON.stringify(value)

function namedChanges<T extends { readonly name: string }>(
  what: string,
  before: readonly T[],
  after: readonly T[],
  plain: (each: T) => Plain,
): Change[] {
  const there = new Map(before.map((each) => [each.name, each]))
  const wanted = new Set(after.map(({ name }) => name))
  return [
    ...before
      .filter(({ name }) => !wanted.has(name))
      .flatMap((each) => plainChanges(`${what} ${each.name}`, plain(each), undefined)),
    ...after.flatMap((each) => {
      const old = there.get(each.name)
      return plainChanges(`${what} ${each.name}`, old && plain(old), plain(each))
    }),
  ]
}

function plainChanges(what: string, before: Plain | undefined, after: Plain | undefined): Change[] {
  if (!after) return before ? [{ what, lines: ['- removed'] }] : []
  const entries = (value: Plain) =>
    Object.entries(value).filter(([key, each]) => each !== undefined && key !== 'name' && !isEmpty(each))
  const old = new Map(before ? entries(before) : [])
  const now = new Map(entries(after))
  const lines: string[] = []
  for (const [key, value] of now)
    if (!old.has(key)) lines.push(`+ ${key} ${valueWords(value)}`)
    else if (valueWords(old.get(key)) !== valueWords(value))
      lines.push(`~ ${key} ${valueWords(old.get(key))} → ${valueWords(value)}`)
  for (const key of old.keys()) if (!now.has(key)) lines.push(`- ${key}`)
  return lines.length === 0 ? [] : [{ what, lines }]
}

const isEmpty = (value: unknown) =>
  typeof value === 'object' &&
  value !== null &&
  !(value instanceof RegExp) &&
  Object.keys(value).length === 0 &&
  !(value instanceof Set && value.size > 0)
