import { isIP } from 'node:net'
import type { ConfigFile } from '../../schema/index.js'
import { type Block, keywordOf, valuesOf } from './block.js'
import { defined } from './checks.js'
import { script } from './services.js'
import { type Statement, textOf } from './tree.js'
import { address, isWide, oneOf, seconds, text, time, whole } from './values.js'

export type Vrrp = NonNullable<ConfigFile['vrrp']>
type Instance = NonNullable<Vrrp['instances']>[string]
type Group = NonNullable<Vrrp['groups']>[string]
type Script = NonNullable<Vrrp['scripts']>[string]
type Notify = Instance['notify']
type Track = NonNullable<Instance['track']>
type Garp = NonNullable<Instance['garp']>
type VirtualAddress = Instance['addresses'][number]

/** What global_defs say for instances that do not. */
export interface VrrpDefaults {
  readonly version: 2 | 3 | undefined
  readonly downAdverts: number | undefined
  readonly garp: Garp
}

/** Announcements; `prefix` is `vrrp_` in global_defs. */
export function garpOf(block: Block, prefix = ''): Garp {
  return defined({
    repeat: block.value(`${prefix}garp_master_repeat`, whole(0, 100)),
    delay: timed(block.value(`${prefix}garp_master_delay`, seconds())),
    refresh: timed(block.value(`${prefix}garp_master_refresh`, seconds())),
    refresh_repeat: block.value(`${prefix}garp_master_refresh_repeat`, whole(0, 100)),
  })
}

const timed = (milliseconds: number | undefined) => (milliseconds === undefined ? undefined : time(milliseconds))

/** All of VRRP, without what global_defs say of it. */
export function vrrpOf(top: Block, defaults: VrrpDefaults): Vrrp {
  const scripts = scriptsOf(top)
  const groups = new GroupsReader(top)
  const instances: Record<string, Instance> = {}
  const routers = new Set<string>()
  for (const statement of top.all('vrrp_instance')) {
    const name = nameOf(statement, top)
    const reader = new InstanceReader(top.inner(statement), { defaults, scripts, group: groups.of(name) })
    const instance = reader.instance()
    const why = 'lacks' in instance ? instance.lacks : twin(instance, routers, Object.hasOwn(instances, name))
    if (why === undefined) instances[name] = instance as Instance
    else top.account.drop(statement, why)
  }
  return nonEmpty({ instances, scripts, groups: groups.among(instances) })
}

const nonEmpty = <T extends Readonly<Record<string, object>>>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => Object.keys(each).length > 0)) as Partial<T>

function twin(instance: Instance, routers: Set<string>, named: boolean): string | undefined {
  if (named) return 'there is an instance of this name already'
  const [first] = instance.addresses.map(addressText)
  const router = `${instance.interface} ${instance.vrid} ${isWide(first ?? '')}`
  if (routers.has(router)) return 'there is an instance of this virtual_router_id on this interface already'
  routers.add(router)
  return undefined
}

const addressText = (one: VirtualAddress): string =>
  (typeof one === 'string' ? one : one.address).split('/')[0] as string

/** A name as sluice.yaml takes it. */
function nameOf(statement: Statement, { account }: Block): string {
  const [written = ''] = valuesOf(statement)
  const name = plainName(written)
  if (name !== written) account.remark(statement.at, textOf(statement), `it is called ${name} here`)
  return name
}

/** `__proto__` is no key of an object. */
const plainName = (written: string) => written.replace(/[^\w.:@/+-]/g, '_').replace(/^__proto__$/, 'proto') || '_'

function scriptsOf(top: Block): Record<string, Script> {
  const scripts: Record<string, Script> = {}
  for (const statement of top.all('vrrp_script')) {
    const block = top.inner(statement)
    const command = script(block, 'script')
    const interval = block.value('interval', seconds(0.01))
    const timeout = block.value('timeout', seconds(0.001))
    const weight = weightOf(block)
    const rise = block.value('rise', whole(1, 1000))
    const fall = block.value('fall', whole(1, 1000))
    if (!command) top.account.drop(statement, 'it has no script')
    else
      scripts[nameOf(statement, top)] = {
        command,
        ...defined({ interval: timed(interval), timeout: timed(timeout), weight, rise, fall }),
      }
  }
  return scripts
}

/** `weight N`; with `reverse` it is named. */
function weightOf(block: Block): number | undefined {
  const statement = block.last('weight')
  if (!statement) return undefined
  const [number = '', reverse] = valuesOf(statement)
  const weight = reverse === undefined || reverse === 'noreverse' ? whole(-253, 253)([number]) : undefined
  if (weight === undefined)
    block.account.drop(statement, reverse === undefined ? 'a weight is from -253 to 253' : noReverse)
  return weight
}

const noReverse = 'what is there instead of what is missing cannot be tracked'

function notifyOf(block: Block): Notify {
  const notify = defined({
    master: script(block, 'notify_master'),
    backup: script(block, 'notify_backup'),
    fault: script(block, 'notify_fault'),
    stop: script(block, 'notify_stop'),
    any: script(block, 'notify'),
  })
  return Object.keys(notify).length > 0 ? notify : undefined
}

interface Context {
  readonly defaults: VrrpDefaults
  readonly scripts: Readonly<Record<string, Script>>
  /** The sync group of the instance. */
  readonly group: SyncGroup | undefined
}

interface SyncGroup {
  readonly block: Block
  /** keepalived takes the weights away from what members of a group track. */
  readonly weights: boolean
}

class InstanceReader {
  constructor(
    readonly block: Block,
    readonly context: Context,
  ) {}

  instance(): Instance | { readonly lacks: string } {
    const { block, context } = this
    const device = block.value('interface', deviceName)
    const vrid = block.value('virtual_router_id', whole(1, 255))
    const addresses = this.#addresses()
    if (device === undefined) return { lacks: 'it has no interface' }
    if (vrid === undefined) return { lacks: 'it has no virtual_router_id' }
    if (addresses.length === 0) return { lacks: 'it has no virtual_ipaddress that its adverts could name' }
    const wide = isWide(addressText(addresses[0] as VirtualAddress))
    const interval = block.value('advert_int', seconds(0.01, 255))
    const version = this.#version(wide, interval)
    const preempt = block.last('nopreempt') ? false : undefined
    const garp = { ...context.defaults.garp, ...garpOf(block) }
    const instance: Instance = {
      interface: device,
      vrid,
      ...defined({
        version,
        priority: block.value('priority', whole(1, 255)),
        advert_interval: this.#interval(interval, version, wide),
        preempt,
        preempt_delay: this.#preemptDelay(preempt),
        down_adverts: block.value('down_timer_adverts', whole(1, 100)) ?? context.defaults.downAdverts,
        source: this.#source(wide),
        peers: this.#peers(wide),
        authentication: this.#authentication(version ?? (wide || (interval ?? 1000) % 1000 !== 0 ? 3 : 2)),
      }),
      addresses,
      ...(Object.keys(garp).length > 0 ? { garp } : {}),
      ...defined({ track: this.#track(), notify: notifyOf(block) }),
    }
    return instance
  }

  #addresses(): VirtualAddress[] {
    const { block } = this
    const read = (keyword: string, advertised: boolean) =>
      block.all(keyword).flatMap((statement) =>
        block.inner(statement).statements.flatMap((line) => {
          const found = virtualAddress(line, advertised, block)
          return found === undefined ? [] : [{ found, line }]
        }),
      )
    const own = read('virtual_ipaddress', true)
    const [first] = own
    const wide = first && isWide(addressText(first.found))
    const seen = new Set<string>()
    return [...own, ...read('virtual_ipaddress_excluded', false)].flatMap(({ found, line }) => {
      const text = addressText(found)
      const advertised = typeof found === 'string' || found.advertised !== false
      if (advertised && isWide(text) !== wide)
        block.account.drop(line, 'addresses of the other family belong in virtual_ipaddress_excluded')
      else if (seen.has(text)) block.account.drop(line, 'this address is there already')
      else {
        seen.add(text)
        return own.length > 0 ? [found] : []
      }
      return []
    })
  }

  #version(wide: boolean, interval: number | undefined): 2 | 3 | undefined {
    const { block, context } = this
    const statement = block.last('version')
    const own = statement && oneOf('2', '3')([valuesOf(statement)[0] ?? ''])
    if (statement && own === undefined) block.account.drop(statement, 'there are versions 2 and 3')
    const wanted = own ? (Number(own) as 2 | 3) : context.defaults.version
    if (wanted !== 2 || !wide) {
      // version 2 is what keepalived takes where nobody says, and then counts whole seconds
      return wanted ?? (!wide && interval !== undefined && interval % 1000 !== 0 ? 2 : undefined)
    }
    if (statement) block.account.drop(statement, 'IPv6 needs version 3')
    return undefined
  }

  /** Version 2 has whole seconds, version 3 hundredths of them up to 40.95 s. */
  #interval(interval: number | undefined, version: 2 | 3 | undefined, wide: boolean): string | undefined {
    if (interval === undefined) return undefined
    const three = version === 3 || (version === undefined && wide)
    const fitted = three ? Math.min(40_950, Math.max(10, Math.round(interval / 10) * 10)) : wholeSeconds(interval)
    if (fitted !== interval) {
      const statement = this.block.all('advert_int').at(-1) as Statement
      this.block.account.remark(
        statement.at,
        textOf(statement),
        `version ${three ? 3 : 2} advertises every ${time(fitted)} then`,
      )
    }
    return time(fitted)
  }

  #preemptDelay(preempt: boolean | undefined): string | undefined {
    const statement = this.block.last('preempt_delay')
    if (!statement) return undefined
    const delay = seconds(0, 1000)(valuesOf(statement))
    if (delay === undefined) this.block.account.drop(statement, 'a delay is from 0 to 1000 seconds')
    else if (preempt === false && delay > 0) this.block.account.drop(statement, 'with nopreempt it has no effect')
    else return time(delay)
    return undefined
  }

  #source(wide: boolean): string | undefined {
    const { block } = this
    const statement = block.last('mcast_src_ip', 'unicast_src_ip')
    const source = statement && address(valuesOf(statement))
    if (statement && (source === undefined || isWide(source) !== wide)) {
      block.account.drop(statement, "this is no address of the instance's family")
      return undefined
    }
    return source
  }

  #peers(wide: boolean): string[] | undefined {
    const { block } = this
    const peers = block.all('unicast_peer').flatMap((statement) =>
      block.inner(statement).statements.flatMap((line) => {
        const peer = address([keywordOf(line)])
        if (peer === undefined || isWide(peer) !== wide) {
          block.account.drop(line, "this is no address of the instance's family")
          return []
        }
        block.account.take(line)
        if (line.words.length > 1) block.account.remark(line.at, textOf(line), 'limits of the TTL are not taken over')
        return [peer]
      }),
    )
    return peers.length > 0 ? peers : undefined
  }

  #authentication(version: 2 | 3): Instance['authentication'] {
    const { block } = this
    const statement = block.last('authentication')
    if (!statement) return undefined
    const inner = block.inner(statement)
    const type = inner.value('auth_type', oneOf('PASS', 'AH'))
    const word = inner.value('auth_pass', text)
    if (version === 3) block.account.drop(statement, 'version 3 has no authentication')
    else if (type === 'AH') block.account.drop(statement, 'there is no AH; auth_type PASS is there on both directors')
    else if (type === undefined) block.account.drop(statement, 'without auth_type PASS it has no effect')
    else if (!word) block.account.drop(statement, 'it has no auth_pass')
    else {
      const password = firstBytes(word)
      if (password !== word)
        block.account.remark(statement.at, 'auth_pass', 'its first eight bytes count, as in keepalived')
      return { password }
    }
    return undefined
  }

  /** What the instance tracks, and its group: that counts for each member. */
  #track(): Track | undefined {
    const { block, context } = this
    const { group, scripts } = context
    const own = tracked(block, scripts)
    const ofGroup = group ? tracked(group.block, scripts) : { interfaces: [], scripts: [] }
    const fault = group !== undefined && !group.weights
    const all = <T extends { readonly name: string; readonly weight?: number }>(
      entries: readonly T[],
      usual: (name: string) => number,
    ) => {
      const seen = new Set<string>()
      return entries.flatMap(({ name, weight }) => {
        if (seen.has(name)) return []
        seen.add(name)
        const counts = fault ? 0 : (weight ?? usual(name))
        return [counts === usual(name) ? name : { name, weight: counts }]
      })
    }
    const track = {
      interfaces: all([...own.interfaces, ...ofGroup.interfaces], () => 0),
      scripts: all(
        [...own.scripts, ...ofGroup.scripts],
        (name) => (Object.hasOwn(scripts, name) ? scripts[name]?.weight : undefined) ?? 0,
      ),
    }
    const found = defined({
      interfaces: track.interfaces.length > 0 ? track.interfaces : undefined,
      scripts: track.scripts.length > 0 ? track.scripts : undefined,
    })
    return Object.keys(found).length > 0 ? found : undefined
  }
}

const deviceName = ([word = '']: readonly string[]) => (/^[^\s/]{1,15}$/.test(word) ? word : undefined)

const wholeSeconds = (interval: number) => Math.max(1000, Math.floor(interval / 1000) * 1000)

function firstBytes(word: string): string {
  let kept = word
  while (Buffer.byteLength(kept) > 8) kept = kept.slice(0, -1)
  return kept
}

/** `ADDRESS[/BITS] [dev NAME] …` */
function virtualAddress(line: Statement, advertised: boolean, { account }: Block): VirtualAddress | undefined {
  const [written = '', ...rest] = line.words.map((word) => word.text)
  const [ip = '', bits] = written.split('/')
  const most = isWide(ip) ? 128 : 32
  const prefix = bits === undefined ? most : whole(1, most)([bits])
  if (!isIP(ip) || prefix === undefined) {
    account.drop(line, 'this is no address')
    return undefined
  }
  account.take(line)
  const at = rest.indexOf('dev')
  const device = at < 0 ? undefined : deviceName([rest[at + 1] ?? ''])
  const others = rest.filter((_, i) => at < 0 || i < at || i > at + 1)
  if (others.length > 0) account.remark(line.at, textOf(line), `"${others.join(' ')}" is not taken over`)
  const text = bits === undefined ? ip : `${ip}/${prefix}`
  if (device === undefined && advertised) return text
  return { address: text, ...defined({ interface: device }), ...(advertised ? {} : { advertised }) }
}

interface Weighted {
  readonly name: string
  readonly weight?: number
}

/** What stands in track_interface and track_script. */
function tracked(block: Block, scripts: Readonly<Record<string, Script>>) {
  const read = (keyword: string, unknown: (name: string) => string | undefined): Weighted[] =>
    block.all(keyword).flatMap((statement) =>
      block.inner(statement).statements.flatMap((line) => {
        const entry = weighted(line, unknown)
        if (typeof entry === 'string') {
          block.account.drop(line, entry)
          return []
        }
        block.account.take(line)
        return [entry]
      }),
    )
  return {
    interfaces: read('track_interface', (name) => (deviceName([name]) ? undefined : 'this is no name of an interface')),
    scripts: read('track_script', (name) =>
      Object.hasOwn(scripts, name) ? undefined : 'there is no vrrp_script of this name',
    ),
  }
}

/** `NAME [weight N]`, or why not. */
function weighted(line: Statement, unknown: (name: string) => string | undefined): Weighted | string {
  const [written = '', keyword, number = '', reverse] = line.words.map((word) => word.text)
  const name = plainName(written)
  const why = unknown(name)
  if (why !== undefined) return why
  if (keyword === undefined) return { name }
  const weight = keyword === 'weight' ? whole(-253, 253)([number]) : undefined
  if (weight === undefined) return 'behind the name stands weight and a number from -253 to 253'
  return reverse === undefined || /^no_?reverse$/.test(reverse) ? { name, weight } : noReverse
}

/** Sync groups, which are asked for by instance while these are read, and made in the end. */
class GroupsReader {
  readonly #groups: {
    readonly name: string
    readonly at: Statement
    readonly members: readonly Statement[]
    readonly block: Block
  }[]

  constructor(readonly top: Block) {
    this.#groups = top.all('vrrp_sync_group').map((statement) => {
      const block = top.inner(statement)
      const listed = block.all('group').flatMap((group) => block.inner(group).statements)
      // names may also stand in the block itself
      const bare = block.statements.filter(
        (line) => line.words.length === 1 && !line.block && !isGroupKeyword(keywordOf(line)),
      )
      const members = [...listed, ...bare]
      for (const member of members) top.account.take(member)
      return { name: nameOf(statement, top), at: statement, members, block }
    })
  }

  of(instance: string): SyncGroup | undefined {
    const found = this.#groups.find(({ members }) =>
      members.some((member) => plainName(keywordOf(member)) === instance),
    )
    if (!found) return undefined
    const { block } = found
    const weights = block.statements.some((line) =>
      /^(global_tracking|sync_group_tracking_weight)$/.test(keywordOf(line)),
    )
    return { block, weights }
  }

  among(instances: Readonly<Record<string, Instance>>): Record<string, Group> {
    const { account } = this.top
    const taken = new Set<string>()
    const groups: Record<string, Group> = {}
    for (const { name, at, members, block } of this.#groups) {
      const names = members.flatMap((member) => {
        const instance = plainName(keywordOf(member))
        if (!Object.hasOwn(instances, instance)) account.drop(member, 'there is no instance of this name')
        else if (taken.has(instance)) account.drop(member, 'this instance is of another group already')
        else {
          taken.add(instance)
          return [instance]
        }
        return []
      })
      const notify = notifyOf(block)
      if (Object.hasOwn(groups, name)) account.drop(at, 'there is a group of this name already')
      else if (names.length === 0) account.drop(at, 'none of its instances is there')
      else groups[name] = { instances: names, ...defined({ notify }) }
    }
    return groups
  }
}

const isGroupKeyword = (word: string) =>
  /^(group|track_\w+|notify\w*|smtp_alert|global_tracking|sync_group_tracking_weight)$/.test(word)
