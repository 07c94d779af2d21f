import { type Config, endpointText, type ServerPlan, type ServicePlan, serviceText } from '../config/index.js'
import { SluiceError } from '../errors.js'
import { Director } from '../ipvs/index.js'
import { Checker, type CheckReport, identity } from './checker.js'
import { type Change, configChanges } from './describe.js'
import { serverId } from './desired.js'
import { drained, drainText, isDrained, sameDrain } from './drains.js'
import type { Tell } from './events.js'
import { runHook } from './hooks.js'
import { Membership, type ServerSight } from './membership.js'
import { routeWays, wantedWay } from './own-way.js'
import { Reconciler, type Wanted } from './reconciler.js'
import type { Drain } from './state.js'

export interface DaemonOptions {
  readonly statePath: string
  readonly tell: Tell
  /** Is told who is up, at every look; undefined: it is there no more. */
  readonly account?: (subject: {
    readonly service: string
    readonly server?: string
    readonly state: Standing | undefined
  }) => void
}

/** How a service or a server stands for the record of availability. */
export type Standing = 'up' | 'down' | 'planned' | 'unseen'

/** One look at the table for others' edits, and at what time changes, milliseconds; a look may take a fiftieth of it. */
const LOOK = 1000
/** While a weight grows. */
const GROWTH = 250

/**
 * Keeps a table as a configuration says: checks servers, has the table follow, and answers others' edits. What it does to
 * packets outlives it; a new one goes on from what it finds.
 */
export class Daemon {
  readonly director = Director.open()
  readonly #reconciler: Reconciler
  readonly #checker: Checker
  #config: Config
  #memberships = new Map<string, Membership>()
  /** By a check's identity, the services that it is for. */
  #askers = new Map<string, Set<string>>()
  #healths = new Map<string, 'up' | 'down'>()
  #dirty = new Set<string>()
  #soon: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  #quorumListeners: ((service: string, quorum: boolean | undefined) => void)[] = []

  /** @throws IpvsError, SluiceError where the table refuses the configuration */
  constructor(
    config: Config,
    readonly options: DaemonOptions,
  ) {
    this.#config = { ...config, services: [], ways: [] }
    this.#checker = new Checker((id) => this.#changed(id))
    this.#reconciler = new Reconciler(this.director, options.statePath, options.tell)
    this.#adopt(config, undefined)
    this.#look()
    options.tell({ type: 'started', services: config.services.length })
  }

  get config(): Config {
    return this.#config
  }

  get checks(): number {
    return this.#checker.size
  }

  get drains(): readonly Drain[] {
    return this.#reconciler.drains
  }

  /** Is told a service's quorum when it changes; undefined: not known yet. */
  onQuorum(listener: (service: string, quorum: boolean | undefined) => void): void {
    this.#quorumListeners.push(listener)
  }

  quorum(service: string): boolean | undefined {
    return this.#memberships.get(service)?.quorum
  }

  /**
   * Takes another configuration: what is the same in both is not touched. Refused, everything is as before.
   * @throws IpvsError, SluiceError for what the table refuses
   */
  apply(config: Config): Change[] {
    const changes = configChanges(this.#config, config)
    const before = this.#config
    const memberships = this.#memberships
    try {
      this.#adopt(config, before)
    } catch (error) {
      this.#memberships = memberships
      this.#adopt(before, config)
      throw error
    }
    this.options.tell({ type: 'config', file: config.file, changes: changes.length })
    return changes
  }

  #adopt(config: Config, before: Config | undefined): void {
    const plans = new Map(before?.services.map((plan) => [plan.name, JSON.stringify(plan, plainly)]))
    this.#config = config
    this.#memberships = new Map(
      config.services.map((plan) => [plan.name, Membership.after(plan, this.#memberships.get(plan.name))]),
    )
    this.#askers = new Map()
    const checks = config.services.flatMap((service) =>
      service.servers.flatMap((server) =>
        server.checks.map((check) => {
          const id = identity(check)
          const askers = this.#askers.get(id) ?? new Set()
          this.#askers.set(id, askers.add(service.name))
          return check
        }),
      ),
    )
    const renewed = new Set(
      config.services.filter((plan) => plans.get(plan.name) !== JSON.stringify(plan, plainly)).map(({ name }) => name),
    )
    routeWays(config.ways, (reason) => this.options.tell({ type: 'error', what: 'checks by a VIP', reason }))
    this.#reconcile(config.services, true, before === undefined ? new Set() : renewed)
    this.#parameters(config, before)
    this.#forget(config, before)
    // last: nothing is asked for a configuration that is refused
    this.#checker.keep(checks)
  }

  /** Whoever is configured no more is accounted no more. */
  #forget(config: Config, before: Config | undefined): void {
    const now = new Map(config.services.map((plan) => [plan.name, plan]))
    for (const { name, servers } of before?.services ?? []) {
      const plan = now.get(name)
      const left = new Set(plan?.servers.map(({ key }) => serverId(key)))
      for (const { key } of servers)
        if (!left.has(serverId(key)))
          this.options.account?.({ service: name, server: endpointText(key), state: undefined })
      if (!plan) this.options.account?.({ service: name, state: undefined })
    }
  }

  #parameters({ timeouts, sysctls }: Config, before: Config | undefined): void {
    const now = this.director.timeouts()
    if (Object.entries(timeouts).some(([name, value]) => now[name as keyof typeof now] !== value))
      this.director.setTimeouts(timeouts)
    for (const [key, value] of Object.entries(sysctls))
      if (before?.sysctls[key] !== value) this.director.setSysctl(key, value)
  }

  #changed(check: string): void {
    for (const service of this.#askers.get(check) ?? []) this.#dirty.add(service)
    // many checks answer at once
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined
      const names = this.#dirty
      this.#dirty = new Set()
      this.#attempt(this.#config.services.filter(({ name }) => names.has(name)))
    })
  }

  /** The regular look. */
  #look(): void {
    const began = performance.now()
    this.#endDrains()
    this.#attempt(this.#config.services)
    this.#meetDevices()
    const took = performance.now() - began
    const growing = [...this.#memberships.values()].some((membership) => membership.growing)
    this.#timer = setTimeout(() => this.#look(), Math.max(growing ? GROWTH : LOOK, 50 * took))
  }

  #meetDevices(): void {
    try {
      for (const device of this.director.meetNewDevices()) this.options.tell({ type: 'device', device })
    } catch (error) {
      this.options.tell({ type: 'error', what: 'a new device', reason: (error as Error).message })
    }
  }

  /** What the table refuses now may go well the next time. */
  #attempt(plans: readonly ServicePlan[]): void {
    try {
      this.#reconcile(plans, false, new Set())
    } catch (error) {
      this.options.tell({ type: 'error', what: 'the table', reason: (error as Error).message })
    }
  }

  #reconcile(plans: readonly ServicePlan[], all: boolean, renewed: ReadonlySet<string>): void {
    const now = performance.now()
    const wanted = plans.map((plan): Wanted => {
      const membership = this.#memberships.get(plan.name) as Membership
      const actual = this.#reconciler.actual(plan)
      const present = new Set(actual?.servers.map(({ key }) => serverId(key)))
      const before = membership.quorum
      const desired = membership.decide((server) => this.#sight(plan, server, present), now)
      if (membership.quorum !== before) this.#tellQuorum(plan, membership.quorum)
      const state = membership.quorum === undefined ? 'unseen' : membership.quorum ? 'up' : 'down'
      this.options.account?.({ service: plan.name, state })
      return { name: plan.name, desired, onEdit: plan.onEdit, renewed: renewed.has(plan.name) }
    })
    const ways = plans === this.#config.services ? this.#config.ways.map(wantedWay) : []
    this.#reconciler.reconcile([...ways, ...wanted], all)
  }

  #sight(service: ServicePlan, server: ServerPlan, present: ReadonlySet<string>): ServerSight {
    const verdict = this.#checker.verdict(server.checks)
    this.#tellHealth(service, server, verdict.health)
    const drains = this.#reconciler.drains.filter((drain) => isDrained(drain, service, server))
    const state = drains.length > 0 ? 'planned' : verdict.health === 'unknown' ? 'unseen' : verdict.health
    this.options.account?.({ service: service.name, server: endpointText(server.key), state })
    const now = Date.now()
    return {
      ...verdict,
      draining: drains.length > 0,
      present: present.has(serverId(server.key)),
      expired: drains.some(({ until }) => until !== undefined && until <= now),
    }
  }

  #tellHealth(service: ServicePlan, server: ServerPlan, health: 'up' | 'down' | 'unknown'): void {
    const id = `${service.name} ${serverId(server.key)}`
    if (health === 'unknown' || server.checks.length === 0 || this.#healths.get(id) === health) return
    this.#healths.set(id, health)
    const reports = server.checks.map((check) => this.#checker.report(check))
    const reason = reports.find((report) => report.health === health)?.outcome?.reason ?? ''
    this.options.tell({ type: 'server', service: service.name, server: endpointText(server.key), health, reason })
    const command = server.notify[health]
    if (command) this.#run(command)
  }

  #tellQuorum({ name, notify }: ServicePlan, quorum: boolean | undefined): void {
    if (quorum !== undefined) {
      this.options.tell({ type: 'quorum', service: name, quorum })
      const command = quorum ? notify.quorumUp : notify.quorumDown
      if (command) this.#run(command)
    }
    for (const listener of this.#quorumListeners) listener(name, quorum)
  }

  #run(command: readonly [string, ...string[]]): void {
    runHook(command, [], (reason) => this.options.tell({ type: 'error', what: 'a program', reason }))
  }

  /**
   * No new connections for a server, or for one service's; those that it has go on, until the timeout.
   * @param timeout milliseconds
   * @throws SluiceError SLUICE_NO_SERVER
   */
  drain(server: Pick<Drain, 'address' | 'port' | 'service'>, timeout?: number): number {
    const since = Date.now()
    const drain: Drain = { ...server, since, ...(timeout === undefined ? {} : { until: since + timeout }) }
    const found = drained(this.#config.services, drain)
    this.#reconciler.setDrains([...this.drains.filter((each) => !sameDrain(each, drain)), drain])
    this.#tellDrain(drain, 'begun')
    this.#reconcile(this.#config.services, false, new Set())
    return found.length
  }

  /** Ends drains of a server. @throws SluiceError SLUICE_NO_DRAIN, SLUICE_NO_SERVER */
  undrain(server: Pick<Drain, 'address' | 'port' | 'service'>): number {
    const ends = (drain: Drain) =>
      drain.address === server.address &&
      (server.port === undefined || drain.port === server.port) &&
      (server.service === undefined || drain.service === server.service)
    const ended = this.drains.filter(ends)
    if (ended.length === 0) throw new SluiceError('SLUICE_NO_DRAIN', { server: drainText(server) })
    this.#reconciler.setDrains(this.drains.filter((drain) => !ends(drain)))
    for (const drain of ended) this.#tellDrain(drain, 'ended')
    this.#reconcile(this.#config.services, false, new Set())
    return ended.length
  }

  #tellDrain(drain: Drain, what: 'begun' | 'over' | 'ended'): void {
    const service = drain.service === undefined ? {} : { service: drain.service }
    this.options.tell({ type: 'drain', server: drainText(drain), ...service, what })
  }

  /** Tells once when a drain's time is over; the drain itself stays until it is ended. */
  #endDrains(): void {
    const now = Date.now()
    for (const drain of this.drains)
      if (drain.until !== undefined && drain.until <= now && !this.#over.has(drain)) {
        this.#over.add(drain)
        this.#tellDrain(drain, 'over')
      }
  }

  readonly #over = new WeakSet<Drain>()

  /** Everything about services that one may want to know. */
  services(): ServiceReport[] {
    return this.#config.services.map((plan) => this.#report(plan))
  }

  #report(plan: ServicePlan): ServiceReport {
    const actual = this.director.service(plan.key)
    const there = new Map(actual?.servers.map((server) => [serverId(server), server]))
    const sorry = plan.sorry && there.get(serverId(plan.sorry.key))
    return {
      name: plan.name,
      service: serviceText(plan.key),
      quorum: this.quorum(plan.name),
      sorry: plan.sorry
        ? sorry !== undefined && !plan.servers.some(({ key }) => serverId(key) === serverId(sorry))
        : undefined,
      servers: plan.servers.map((server) => {
        const { health, since } = this.#checker.verdict(server.checks)
        const found = there.get(serverId(server.key))
        const drain = this.drains.find((each) => isDrained(each, plan, server))
        const over = drain?.until !== undefined && drain.until <= Date.now()
        const busy = (found?.active ?? 0) + (found?.inactive ?? 0) > 0
        return {
          server: endpointText(server.key),
          health: server.checks.length === 0 ? 'unchecked' : health,
          since,
          weight: found?.weight,
          wanted: server.options.weight,
          active: found?.active ?? 0,
          inactive: found?.inactive ?? 0,
          persistent: found?.persistent ?? 0,
          ...(drain
            ? { drain: { ...drain, state: over || !busy ? ('drained' as const) : ('draining' as const) } }
            : {}),
          checks: server.checks.map((check) => this.#checker.report(check)),
        }
      }),
    }
  }

  /** The table, and packets, go on without it, unless the configuration wants its services removed. */
  stop(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#soon)
    this.#checker.stop()
    if (this.#config.onStop === 'remove') {
      this.#reconciler.removeAll()
      routeWays([], () => {})
    }
    this.director.close()
  }
}

export interface ServiceReport {
  readonly name: string
  readonly service: string
  readonly quorum: boolean | undefined
  /** Whether the sorry server serves; undefined where there is none. */
  readonly sorry: boolean | undefined
  readonly servers: readonly ServerReport[]
}

export interface ServerReport {
  readonly server: string
  readonly health: 'up' | 'down' | 'unknown' | 'unchecked'
  /** Epoch milliseconds of the last change. */
  readonly since: number
  /** In the table; undefined: it is not there. */
  readonly weight: number | undefined
  /** As configured. */
  readonly wanted: number
  readonly active: number
  readonly inactive: number
  readonly persistent: number
  readonly drain?: Drain & { readonly state: 'draining' | 'drained' }
  readonly checks: readonly CheckReport[]
}

const plainly = (_: string, value: unknown) =>
  value instanceof Set ? [...value] : value instanceof RegExp ? String(value) : value
