import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { isFlagOf, schedulerFlagNames, schedulers } from '../../../ipvs/index.js'
import type { ConfigFile } from '../../schema/index.js'
import { serviceName } from '../service-name.js'
import { type Block, valuesOf } from './block.js'
import { type Check, checksOf, defined, type Inherited, inherited, kinds } from './checks.js'
import { type Statement, textOf } from './tree.js'
import { addressRange, command, flag, isWide, oneOf, port, whole } from './values.js'

export type Services = NonNullable<ConfigFile['services']>
export type Service = Services[string]
type Server = NonNullable<Service['servers']>[number]

/** Whose checks all stand with it, until it is known which are the service's. */
type OwnServer = Omit<Server, 'checks'> & { readonly checks: Check[] }

const WEIGHT = 0x7fff_ffff

/** What a virtual server is found by. */
type Key =
  | { readonly protocol: 'tcp' | 'udp' | 'sctp'; readonly address: string; readonly port: number }
  | { readonly fwmark: number; readonly family?: 'inet6' }

/** What a line of a group, or the head of a virtual server, names. */
type Entry =
  | { readonly address: string; readonly port: number }
  | { readonly fwmark: number; readonly family?: 'inet' | 'inet6' }

/** All virtual servers, those of groups one by one. */
export function servicesOf(top: Block): Services {
  const groups = groupsOf(top)
  const used = new Set<string>()
  const services: Services = {}
  for (const statement of top.all('virtual_server')) {
    const entries = entriesOf(statement, groups)
    if (entries === undefined || entries.length === 0 || !statement.block) {
      top.account.drop(statement, `a virtual server is an address, fwmark NUMBER or group NAME, with a block`)
      continue
    }
    const [first, group = ''] = valuesOf(statement)
    if (first === 'group') used.add(group)
    const shared = new VirtualServer(top.inner(statement), entries, statement)
    for (const entry of entries) {
      const [name, service] = shared.service(entry)
      if (services[name]) top.account.remark(statement.at, textOf(statement), `${name} is there already: left out here`)
      else services[name] = service
    }
  }
  for (const statement of top.all('virtual_server_group'))
    if (!used.has(valuesOf(statement)[0] ?? '')) top.account.drop(statement, 'no virtual_server is of this group')
  return services
}

function groupsOf(top: Block): ReadonlyMap<string, readonly Entry[]> {
  const groups = new Map<string, Entry[]>()
  for (const statement of top.all('virtual_server_group')) {
    const { statements } = top.inner(statement)
    const entries = statements.flatMap((line) => {
      const found = entryOf(line.words.map((word) => word.text))
      if (found) top.account.take(line)
      else top.account.drop(line, 'this is no address, range of addresses or firewall mark')
      return found ?? []
    })
    groups.set(valuesOf(statement)[0] ?? '', entries)
  }
  return groups
}

function entriesOf(statement: Statement, groups: ReadonlyMap<string, readonly Entry[]>): readonly Entry[] | undefined {
  const [first = '', second = ''] = valuesOf(statement)
  return first === 'group' ? groups.get(second) : entryOf(valuesOf(statement))
}

function entryOf([first = '', second, third]: readonly string[]): Entry[] | undefined {
  if (first === 'fwmark') {
    const fwmark = whole(1, 0xffff_ffff)([second ?? ''])
    const family = third === undefined ? undefined : oneOf('inet', 'inet6')([third])
    return fwmark === undefined ? undefined : [{ fwmark, ...defined({ family }) }]
  }
  const at = second === undefined ? 0 : whole(0, 65535)([second])
  const addresses = addressRange(first)
  return at === undefined ? undefined : addresses?.map((address) => ({ address, port: at }))
}

/** One `virtual_server`: what it says is read once, and goes for every address of its group. */
class VirtualServer {
  readonly #block: Block
  readonly #protocol: 'tcp' | 'udp' | 'sctp'
  #granularity: Statement | undefined
  readonly #family: 'inet' | 'inet6' | undefined
  readonly #rest: Omit<Service, 'servers'>
  readonly #sorry: Sorry | undefined
  readonly #servers: readonly { readonly server: OwnServer; readonly at: Statement }[]
  readonly #method: Method

  constructor(
    block: Block,
    readonly entries: readonly Entry[],
    readonly head: Statement,
  ) {
    this.#block = block
    const from = inherited(block)
    this.#method = block.value(['lb_kind', 'lvs_method'], methodOf) ?? { method: 'nat' }
    this.#protocol = protocolOf(block, entries, head)
    this.#family = block.value('ip_family', oneOf('inet', 'inet6'))
    this.#rest = this.#options()
    this.#sorry = this.#sorryServer()
    const inhibit = block.value('inhibit_on_failure', flag)
    if (inhibit !== undefined) this.#rest.inhibit_on_failure = inhibit
    this.#servers = block.all('real_server').flatMap((statement) => this.#server(statement, from))
    const quorum = this.#quorum()
    if (quorum) this.#rest.quorum = quorum
  }

  #options(): Omit<Service, 'servers'> {
    const block = this.#block
    const scheduler = block.value(['lb_algo', 'lvs_sched'], ([word = '']) => (schedulers.has(word) ? word : undefined))
    return defined({
      scheduler: scheduler ?? 'wlc',
      // a tunnel's type is said at each server
      method: this.#method.method,
      alpha: block.value('alpha', flag) ?? false,
      flags: this.#flags(scheduler ?? 'wlc'),
      persistence: this.#persistence(),
      one_packet: this.#onePacket(),
      notify: this.#notify(),
    })
  }

  #flags(scheduler: string): Service['flags'] {
    const flags = schedulerFlagNames.filter((name) => {
      const statement = this.#block.last(name)
      if (!statement) return false
      if (isFlagOf(scheduler, name)) return true
      this.#block.account.drop(statement, `it is no flag of the scheduler ${scheduler}`)
      return false
    })
    return flags.length > 0 ? flags : undefined
  }

  #persistence(): Service['persistence'] {
    const block = this.#block
    const statement = block.last('persistence_timeout')
    const granularity = block.last('persistence_granularity')
    const engine = block.last('persistence_engine')
    const timeout = statement && (valuesOf(statement).length === 0 ? 360 : whole(0, WEIGHT)(valuesOf(statement)))
    if (statement && timeout === undefined) block.account.drop(statement, 'this is no number of seconds')
    if (!timeout) {
      for (const one of [granularity, engine])
        if (one) block.account.drop(one, 'without a persistence_timeout it has no effect')
      return undefined
    }
    this.#granularity = granularity
    return defined({ timeout, engine: this.#engine(engine) })
  }

  #engine(statement: Statement | undefined): 'sip' | undefined {
    if (!statement) return undefined
    if (valuesOf(statement)[0] === 'sip' && this.#protocol === 'udp') return 'sip'
    this.#block.account.drop(statement, 'the engine that there is is sip, for UDP')
    return undefined
  }

  #onePacket(): true | undefined {
    const statement = this.#block.last('ops')
    if (!statement) return undefined
    if (this.#protocol === 'udp' || this.entries.some((entry) => 'fwmark' in entry)) return true
    this.#block.account.drop(statement, 'packets are scheduled one by one only of UDP')
    return undefined
  }

  /** As keepalived has it: no more than all servers weigh, and a hysteresis of less than that. */
  #quorum(): Service['quorum'] {
    const block = this.#block
    const { account } = block
    const wanted = block.value('quorum', whole(1, WEIGHT))
    const line = block.last('hysteresis')
    const tolerated = line && whole(0, WEIGHT)(valuesOf(line))
    if (line && tolerated === undefined) account.drop(line, 'this is no number')
    const total = this.#servers.reduce((sum, { server }) => sum + (server.weight ?? 1), 0)
    const weight = wanted === undefined ? undefined : Math.max(1, Math.min(wanted, total))
    if (weight !== wanted)
      account.remark(this.head.at, `quorum ${wanted}`, `all servers weigh ${total}: it is ${weight} then`)
    const hysteresis = tolerated === undefined ? undefined : Math.min(tolerated, (weight ?? 1) - 1)
    if (line && hysteresis !== tolerated)
      account.remark(line.at, textOf(line), `it has to be less than the quorum: it is ${hysteresis} then`)
    const quorum = defined({ weight, hysteresis: hysteresis || undefined })
    return Object.keys(quorum).length > 0 ? quorum : undefined
  }

  #notify(): Service['notify'] {
    const notify = defined({
      quorum_up: script(this.#block, 'quorum_up'),
      quorum_down: script(this.#block, 'quorum_down'),
    })
    return Object.keys(notify).length > 0 ? notify : undefined
  }

  #sorryServer(): Sorry | undefined {
    const block = this.#block
    const statement = block.last('sorry_server')
    const how = block.value('sorry_server_lvs_method', methodOf) ?? this.#method
    if (!statement) return undefined
    const place = placeOf(valuesOf(statement))
    if (!place) block.account.drop(statement, 'this is no address, or no port')
    return place && { ...place, how, line: statement }
  }

  #server(statement: Statement, from: Inherited) {
    const { account } = this.#block
    const place = placeOf(valuesOf(statement))
    if (!place) {
      account.drop(statement, 'this is no address, or no port')
      return []
    }
    const block = this.#block.inner(statement)
    const own = inherited(block, from)
    const how = block.value('lvs_method', methodOf) ?? this.#method
    const alpha = block.last('alpha')
    if (alpha) account.drop(alpha, 'alpha is of a whole service')
    const upper = block.value('uthreshold', whole(0, WEIGHT))
    const lower = block.last('lthreshold')
    const least = lower && whole(0, WEIGHT)(valuesOf(lower))
    const fits = least !== undefined && least <= (upper ?? 0)
    if (lower && !fits) account.drop(lower, 'it has to be at most the uthreshold')
    const notify = defined({ up: script(block, 'notify_up'), down: script(block, 'notify_down') })
    const server = {
      ...place,
      ...this.#how(how),
      ...defined({
        weight: block.value('weight', whole(0, WEIGHT)),
        upper_threshold: upper,
        lower_threshold: fits ? least : undefined,
        inhibit_on_failure: block.value('inhibit_on_failure', flag),
      }),
      ...(Object.keys(notify).length > 0 ? { notify } : {}),
      checks: block.all(...Object.keys(kinds)).flatMap((one) => checksOf(one, block, own)),
    }
    return [{ server, at: statement }]
  }

  /** What a server says of the method beside its service. */
  #how({ method, tunnel }: Method): Pick<Server, 'method' | 'tunnel'> {
    return defined({ method: method === this.#method.method ? undefined : method, tunnel })
  }

  /** One of the services, with its name. */
  service(entry: Entry): readonly [name: string, service: Service] {
    const key = this.#key(entry)
    const seen = new Set<string>()
    const servers = this.#servers.flatMap(({ server, at }) => {
      const fitted = this.#fit(server, key, at)
      const text = fitted && `${fitted.address} ${fitted.port ?? ('port' in key ? key.port : 0)}`
      if (!text) return []
      if (!seen.has(text)) {
        seen.add(text)
        return [fitted]
      }
      this.#block.account.remark(at.at, textOf(at), 'this server is there already: left out')
      return []
    })
    const [checks, listed] = shareChecks(servers)
    const sorry = this.#sorry && this.#fitSorry(this.#sorry, key)
    const service = { ...key, ...this.#rest, ...(checks ? { checks } : {}), ...(sorry ? { sorry_server: sorry } : {}) }
    return [serviceName(key), { ...this.#suited(service, key), servers: listed }]
  }

  /** What does not go with every kind of service of a group. */
  #suited(service: Omit<Service, 'servers'>, key: Key): Omit<Service, 'servers'> {
    const { one_packet: onePacket, persistence, ...rest } = service
    const single = onePacket && (!('protocol' in key) || key.protocol === 'udp') ? { one_packet: onePacket } : {}
    // a service for every port cannot be without persistence
    const lasting = persistence ?? ('port' in key && key.port === 0 ? { timeout: 360 } : undefined)
    if (!lasting) return { ...rest, ...single }
    return { ...rest, ...single, persistence: { ...lasting, ...defined({ netmask: this.#netmask(isWideKey(key)) }) } }
  }

  #netmask(wide: boolean): string | number | undefined {
    if (!this.#granularity) return undefined
    const [word = ''] = valuesOf(this.#granularity)
    const mask = wide ? whole(1, 128)([word]) : isIP(word) === 4 ? word : prefixMask(word)
    if (mask === undefined) this.#block.account.drop(this.#granularity, `this is no mask of IPv${wide ? 6 : 4}`)
    return mask
  }

  #key(entry: Entry): Key {
    if ('address' in entry) return { protocol: this.#protocol, ...entry }
    const wide = this.#servers.length > 0 && this.#servers.every(({ server }) => isWide(server.address))
    const family = entry.family ?? this.#family ?? (wide ? 'inet6' : 'inet')
    return { fwmark: entry.fwmark, ...(family === 'inet6' ? { family } : {}) }
  }

  /** As the schema has it: packets of direct routing and tunnels keep their port, and only tunnels change the family. */
  #fit(server: OwnServer, key: Key, at: Statement): OwnServer | undefined {
    const { account } = this.#block
    const method = server.method ?? this.#method.method
    const lost = server.checks.filter((check) => needsPort(check) && !(server.port ?? ('port' in key ? key.port : 0)))
    if (lost.length > 0) {
      const kinds = lost.map(({ kind }) => kind).join(', ')
      account.remark(at.at, textOf(at), `there is no port for its checks: ${kinds} left out`)
      return this.#fit({ ...server, checks: server.checks.filter((check) => !lost.includes(check)) }, key, at)
    }
    if (isWide(server.address) !== isWideKey(key) && method !== 'tunnel') {
      account.remark(
        at.at,
        textOf(at),
        `it is of another family than ${serviceName(key)}, which needs a tunnel: left out`,
      )
      return undefined
    }
    const own = 'port' in key ? key.port : 0
    const { port: other, ...rest } = server
    if (other === undefined || other === own) return rest
    if (method === 'nat') return server
    const kept = 'port' in key ? `the port ${own}` : 'their port'
    const why = `with ${method === 'dr' ? 'direct routing' : 'a tunnel'} packets keep ${kept}; ${other} goes for the checks alone`
    account.remark(at.at, textOf(at), why)
    return { ...rest, checks: server.checks.map((check) => atPort(check, other)) }
  }

  #fitSorry(sorry: Sorry, key: Key): Service['sorry_server'] {
    const { address, port: at, how, line } = sorry
    if (isWide(address) !== isWideKey(key) && how.method !== 'tunnel') {
      this.#block.account.remark(line.at, textOf(line), `it is of another family than ${serviceName(key)}: left out`)
      return undefined
    }
    const own = 'port' in key ? key.port : 0
    const kept = at === undefined || at === own || (how.method !== 'nat' && 'port' in key) ? {} : { port: at }
    return { address, ...kept, ...this.#how(how) }
  }
}

const isWideKey = (key: Key) => ('address' in key ? isWide(key.address) : key.family === 'inet6')

interface Sorry {
  readonly address: string
  readonly port?: number
  readonly how: Method
  readonly line: Statement
}

interface Method {
  readonly method: 'nat' | 'dr' | 'tunnel'
  readonly tunnel?: NonNullable<Server['tunnel']>
}

/** `NAT`, `DR`, `TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum]` */
function methodOf(words: readonly string[]): Method | undefined {
  const [name = '', ...rest] = words
  const method = ({ NAT: 'nat', DR: 'dr', TUN: 'tunnel' } as const)[name.toUpperCase() as 'NAT']
  if (method === undefined) return undefined
  if (rest.length === 0) return { method }
  const line = rest.join(' ')
  const [, type, at, sum] =
    /^(?:type (ipip|gre|gue(?= port))(?: port (\d{1,5}))?)? ?(nocsum|csum|remcsum)?$/.exec(line) ?? []
  const number = at === undefined ? undefined : port([at])
  if ((method as string) !== 'tunnel' || type === undefined || (at !== undefined && number === undefined))
    return undefined
  const checksum = sum === undefined || sum === 'nocsum' ? undefined : (sum as 'csum' | 'remcsum')
  if (type !== 'gue' && at !== undefined) return undefined
  if ((type === 'ipip' && checksum) || (type === 'gre' && checksum === 'remcsum')) return undefined
  return { method, tunnel: { type: type as 'ipip', ...defined({ port: number, checksum }) } }
}

function protocolOf(block: Block, entries: readonly Entry[], head: Statement): 'tcp' | 'udp' | 'sctp' {
  const statement = block.last('protocol')
  const marks = entries.every((entry) => 'fwmark' in entry)
  if (!statement) {
    if (!marks) block.account.remark(head.at, textOf(head), 'without a protocol keepalived takes UDP, and so does this')
    return 'udp'
  }
  const protocol = oneOf('tcp', 'udp', 'sctp')([(valuesOf(statement)[0] ?? '').toLowerCase()])
  if (protocol === undefined) block.account.drop(statement, 'this is none of TCP, UDP and SCTP')
  else if (marks)
    block.account.drop(statement, 'a service of a firewall mark takes packets of every protocol that have the mark')
  return protocol ?? 'udp'
}

function placeOf([ip = '', at]: readonly string[]): { address: string; port?: number } | undefined {
  const number = at === undefined ? undefined : whole(0, 65535)([at])
  if (isIP(ip) === 0 || (at !== undefined && number === undefined)) return undefined
  return { address: ip, ...defined({ port: number }) }
}

/** A script; the user that may follow it is named. */
export function script(block: Block, keyword: string): string[] | undefined {
  const statement = block.last(keyword)
  if (!statement) return undefined
  const [line = '', ...user] = valuesOf(statement)
  const words = command([line])
  if (!words) block.account.drop(statement, 'there is no script')
  else if (user.length > 0)
    block.account.remark(statement.at, textOf(statement), `it runs as the user of sluiced, not as ${user.join(' ')}`)
  return words
}

/** Checks that all servers have are the service's. */
function shareChecks(servers: readonly OwnServer[]): [Check[] | undefined, Server[]] {
  const [first] = servers
  const same = first !== undefined && servers.every(({ checks }) => isDeepStrictEqual(checks, first.checks))
  if (same)
    return [first.checks.length > 0 ? first.checks : undefined, servers.map(({ checks: _, ...server }) => server)]
  return [undefined, servers.map(({ checks, ...server }) => (checks.length > 0 ? { ...server, checks } : server))]
}

const atPort = (check: Check, other: number): Check => (needsPort(check) ? { ...check, port: other } : check)

const needsPort = ({ kind, port: own }: Check) => own === undefined && kind !== 'ping' && kind !== 'script'

/** `24` as `255.255.255.0`. */
function prefixMask(word: string): string | undefined {
  const bits = whole(1, 32)([word])
  if (bits === undefined) return undefined
  const value = (0xffff_ffff << (32 - bits)) >>> 0
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}
