import type { Health } from '../checks/index.js'
import type { ServerPlan, ServicePlan } from '../config/index.js'
import { type DesiredServer, type DesiredService, serverId } from './desired.js'

/** What is known of one server of a service at a moment. */
export interface ServerSight {
  readonly health: Health
  /** A script's word on its weight, in place of the configured one. */
  readonly weight: number | undefined
  /** No new connections. */
  readonly draining: boolean
  /** It stands in the table. */
  readonly present: boolean
  /** The drain's time is over: what is left of its connections ends. */
  readonly expired: boolean
}

/** How a server stands with its service. */
export type Standing =
  /** It gets connections. */
  | 'in'
  /** It gets no new ones; those that it has go on. */
  | 'quiesced'
  | 'out'

/** Parts in which a server that came back gets its weight. */
const STEPS = 10

interface Member {
  /** When it came back, while its weight grows; milliseconds of the clock. */
  risen: number | undefined
  was: Health
}

/**
 * Which servers a service should have, from its plan and what is known of them. It remembers what needs a memory (the
 * quorum, who has come back) and has no clock: times are milliseconds of one that does not jump.
 */
export class Membership {
  #quorum: boolean | undefined
  readonly #members = new Map<string, Member>()

  constructor(readonly plan: ServicePlan) {}

  /** Undefined until it is known. */
  get quorum(): boolean | undefined {
    return this.#quorum
  }

  /** What was learnt under an earlier plan of the same service goes on. */
  static after(plan: ServicePlan, before: Membership | undefined): Membership {
    const next = new Membership(plan)
    if (!before) return next
    next.#quorum = before.#quorum
    for (const { key } of plan.servers) {
      const member = before.#members.get(serverId(key))
      if (member) next.#members.set(serverId(key), member)
    }
    return next
  }

  /** @returns how the service should stand in the table now */
  decide(sightOf: (server: ServerPlan) => ServerSight, now: number): DesiredService {
    const { plan } = this
    const seen = plan.servers.map((server) => {
      const sight = sightOf(server)
      return { server, sight, up: isUp(sight, server, plan), weight: this.#weight(server, sight, now) }
    })
    this.#count(seen)
    const { sorry } = plan
    const sorryServes = this.#quorum === false && sorry !== undefined
    const servers: DesiredServer[] = []
    for (const { server, sight, up, weight } of seen) {
      const standing = standingOf(server, sight, up, sorryServes)
      if (standing === 'out') continue
      const options = { ...server.options, weight: standing === 'quiesced' ? 0 : weight }
      servers.push({ key: server.key, options: sight.draining ? { ...options, releasing: true } : options })
    }
    if (sorryServes) servers.push(sorry)
    return { key: plan.key, options: plan.options, servers }
  }

  /** As configured, or as a script says; little by little after a return. */
  #weight(server: ServerPlan, { health, weight }: ServerSight, now: number): number {
    const id = serverId(server.key)
    const member = this.#members.get(id) ?? { risen: undefined, was: health }
    this.#members.set(id, member)
    if (health === 'up' && member.was === 'down') member.risen = now
    if (health !== 'up') member.risen = undefined
    if (health !== 'unknown') member.was = health
    const whole = weight ?? server.options.weight
    const { slowStart } = this.plan
    if (member.risen === undefined || slowStart === 0) return whole
    const step = Math.floor(((now - member.risen) / slowStart) * STEPS) + 1
    if (step >= STEPS) {
      member.risen = undefined
      return whole
    }
    return whole === 0 ? 0 : Math.max(1, Math.round((whole * step) / STEPS))
  }

  /** Whether some weight still grows: then the time alone changes what is desired. */
  get growing(): boolean {
    return [...this.#members.values()].some(({ risen }) => risen !== undefined)
  }

  /** keepalived's rule: won at `weight + hysteresis`, lost below `weight - hysteresis` and at nothing. */
  #count(seen: readonly { readonly server: ServerPlan; readonly sight: ServerSight; readonly up: boolean }[]): void {
    // nothing is lost or won before it is known
    if (this.#quorum === undefined && seen.some(({ sight }) => sight.health === 'unknown')) {
      const { weight, hysteresis } = this.plan.quorum
      if (sum(seen) < weight + hysteresis) return
    }
    const { weight, hysteresis } = this.plan.quorum
    const total = sum(seen)
    if (this.#quorum === true) this.#quorum = total > 0 && total >= weight - hysteresis
    else this.#quorum = total > 0 && total >= weight + hysteresis
  }
}

function sum(
  seen: readonly { readonly server: ServerPlan; readonly sight: ServerSight; readonly up: boolean }[],
): number {
  return seen
    .filter(({ up, sight }) => up && !sight.draining)
    .reduce((total, { server, sight }) => total + (sight.weight ?? server.options.weight), 0)
}

function isUp({ health, present }: ServerSight, { checks }: ServerPlan, { alpha }: ServicePlan): boolean {
  if (checks.length === 0) return true
  // one that is found in its place stays there until it is known to be down
  if (health === 'unknown') return !alpha || present
  return health === 'up'
}

function standingOf(server: ServerPlan, sight: ServerSight, up: boolean, sorryServes: boolean): Standing {
  if (sight.expired) return 'out'
  if (!up) return server.inhibitOnFailure && (sight.health === 'down' || sight.present) ? 'quiesced' : 'out'
  // its connections go on while the sorry server takes the new ones
  if (sight.draining || sorryServes) return 'quiesced'
  return 'in'
}
