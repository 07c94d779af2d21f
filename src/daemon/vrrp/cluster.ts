import type { GroupPlan, InstancePlan, VrrpPlan } from '../../config/index.js'
import { SluiceError } from '../../errors.js'
import { KernelError, runningLinks } from '../../kernel/index.js'
import { VirtualRouter, type VrrpState } from '../../vrrp/index.js'
import type { InstanceReport, Word } from './messages.js'

/** Owner of the addresses: its priority is what it is. */
const OWNER = 255

/** What a thing that is tracked was last found to be; undefined: not known yet. */
export type Known = ReadonlyMap<string, boolean | undefined>

/** @returns 1 to 254, or 255 for the owner */
export function effectivePriority(
  plan: InstancePlan,
  found: (kind: 'interface' | 'script' | 'service', name: string) => boolean | undefined,
): number {
  if (plan.priority === OWNER) return OWNER
  let priority = plan.priority
  for (const [kind, list] of trackedOf(plan))
    for (const { name, weight } of list) {
      const ok = found(kind, name) === true
      if (weight > 0 && ok) priority += weight
      if (weight < 0 && !ok) priority += weight
    }
  return Math.min(254, Math.max(1, priority))
}

const trackedOf = ({ track }: InstancePlan) =>
  [
    ['interface', track.interfaces],
    ['script', track.scripts],
    ['service', track.services],
  ] as const

/** One instance: a virtual router while nothing stands in its way. */
class Instance {
  router: VirtualRouter | undefined
  state: VrrpState = 'stopped'
  priority: number
  reason = ''
  /** Its own word on whether it could be in the election; undefined: not known yet. */
  well: boolean | undefined
  group: string | undefined

  constructor(public plan: InstancePlan) {
    this.priority = plan.priority
  }
}

/**
 * The virtual routers of a configuration with what they depend on: devices, scripts, services and each other. It has no
 * loop of its own; {@link settle} is to be called after whatever its routers did.
 */
export class Cluster {
  readonly #instances = new Map<string, Instance>()
  #groups: readonly GroupPlan[] = []
  readonly #groupStates = new Map<string, VrrpState>()
  readonly #tracked = {
    script: new Map<string, boolean | undefined>(),
    service: new Map<string, boolean | undefined>(),
  }
  #links: ReadonlySet<string> = new Set()
  /** What routers said and the others of their group have not answered yet. */
  #followers: (() => void)[] = []
  /** Routers that are closed say no more. */
  #muted = false

  constructor(readonly tell: (word: Word) => void) {}

  /** The routers that are in an election. */
  get routers(): readonly VirtualRouter[] {
    return [...this.#instances.values()].flatMap(({ router }) => router ?? [])
  }

  /** Instances that are the same before and after are not touched; one that only has another priority keeps its state. */
  apply({ instances, groups }: VrrpPlan, now: number): void {
    const wanted = new Map(instances.map((plan) => [plan.name, plan]))
    for (const [name, instance] of this.#instances) {
      const plan = wanted.get(name)
      if (plan && shape(plan) === shape(instance.plan)) {
        instance.plan = plan
        continue
      }
      this.#close(instance, now)
      this.#instances.delete(name)
    }
    for (const plan of instances)
      if (!this.#instances.has(plan.name)) this.#instances.set(plan.name, new Instance(plan))
    this.#groups = groups
    for (const [name, instance] of this.#instances)
      instance.group = groups.find((group) => group.instances.includes(name))?.name
    this.linksChanged(now)
  }

  track(kind: 'script' | 'service', name: string, ok: boolean | undefined, now: number): void {
    this.#tracked[kind].set(name, ok)
    this.#judge(now)
  }

  /** A device or an address has changed. */
  linksChanged(now: number): void {
    this.#links = runningLinks()
    this.#judge(now)
  }

  #found(kind: 'interface' | 'script' | 'service', name: string): boolean | undefined {
    return kind === 'interface' ? this.#links.has(name) : this.#tracked[kind].get(name)
  }

  #judge(now: number): void {
    for (const instance of this.#instances.values()) this.#examine(instance)
    for (const instance of this.#instances.values()) {
      const others = this.#membersWith(instance)
      const broken = others.find(({ well }) => well === false)
      if (broken)
        this.#fault(
          instance,
          broken === instance ? instance.reason : `${broken.plan.name} of its group: ${broken.reason}`,
          now,
        )
      else if (others.every(({ well }) => well)) this.#enter(instance, now)
    }
    this.settle()
  }

  /** The instance and all others of its group. */
  #membersWith(instance: Instance): Instance[] {
    if (instance.group === undefined) return [instance]
    return [...this.#instances.values()].filter(({ group }) => group === instance.group)
  }

  #examine(instance: Instance): void {
    const { plan } = instance
    instance.well = true
    instance.reason = ''
    if (!this.#links.has(plan.device)) {
      instance.well = false
      instance.reason = `${plan.device} is down`
    }
    for (const [kind, list] of trackedOf(plan))
      for (const { name, weight } of list) {
        if (weight !== 0 || instance.well === false) continue
        const ok = this.#found(kind, name)
        if (ok) continue
        instance.well = ok
        instance.reason = ok === undefined ? `${kind} ${name} is not known yet` : `${kind} ${name} is down`
      }
    instance.priority = effectivePriority(plan, (kind, name) => this.#found(kind, name))
  }

  #fault(instance: Instance, reason: string, now: number): void {
    instance.reason = reason
    const { router } = instance
    if (router) {
      router.fault(now)
      this.#discard(instance, now)
    } else if (instance.state !== 'fault') this.#become(instance, 'fault')
  }

  #enter(instance: Instance, now: number): void {
    if (instance.router) {
      if (instance.router.priority !== instance.priority) instance.router.setPriority(instance.priority, now)
      return
    }
    try {
      instance.router = this.#open(instance)
    } catch (error) {
      if (!SluiceError.is(error) && !(error instanceof KernelError)) throw error
      // tried again when a device or an address changes
      instance.reason = error.message
      if (instance.state !== 'fault') {
        this.tell({ type: 'error', router: instance.plan.name, reason: error.message })
        this.#become(instance, 'fault')
      }
      return
    }
    instance.router.start(now)
  }

  #open(instance: Instance): VirtualRouter {
    const { plan } = instance
    const options = {
      name: plan.name,
      device: plan.device,
      vrid: plan.vrid,
      version: plan.version,
      priority: instance.priority,
      interval: plan.interval,
      preempt: plan.preempt,
      preemptDelay: plan.preemptDelay,
      downAdverts: plan.downAdverts,
      addresses: plan.addresses,
      announcements: plan.announcements,
      ...(plan.source === undefined ? {} : { source: plan.source }),
      ...(plan.peers === undefined ? {} : { peers: plan.peers }),
      ...(plan.password === undefined
        ? {}
        : { authentication: { type: 'password' as const, password: plan.password } }),
    }
    return new VirtualRouter(options, (event) => {
      if (this.#muted) return
      if (event.type !== 'state') this.tell(event)
      else this.#become(instance, event.state)
    })
  }

  #become(instance: Instance, state: VrrpState): void {
    const was = instance.state
    instance.state = state
    const { name } = instance.plan
    this.tell({ type: 'state', router: name, state, priority: instance.priority })
    if (instance.group === undefined) return
    this.#followers.push(() => this.#follow(instance, was))
  }

  /** A group has its addresses on one director: one that gives way takes the others along, and so does one that takes over. */
  #follow(instance: Instance, was: VrrpState): void {
    const now = Number(process.hrtime.bigint()) / 1e6
    for (const other of this.#membersWith(instance)) {
      if (other === instance || !other.router) continue
      if (instance.state === 'master' && other.state === 'backup') other.router.promote(now)
      if (instance.state === 'backup' && was === 'master' && other.state === 'master') other.router.demote(now)
    }
  }

  /** Has groups follow what their members did, and tells how they stand. */
  settle(): void {
    // each round moves instances one way; what the network says meanwhile is not waited for
    for (let left = 2 * this.#instances.size; this.#followers.length > 0 && left > 0; left -= 1) {
      const due = this.#followers
      this.#followers = []
      for (const follow of due) follow()
    }
    for (const { name, instances } of this.#groups) {
      const members = instances.flatMap((each) => this.#instances.get(each) ?? [])
      const state = groupState(members.map((each) => each.state))
      if (state === undefined || this.#groupStates.get(name) === state) continue
      this.#groupStates.set(name, state)
      this.tell({ type: 'group', group: name, state, priority: Math.max(...members.map(({ priority }) => priority)) })
    }
  }

  report(): InstanceReport[] {
    return [...this.#instances.values()].map(({ plan, state, priority, reason, router }) => ({
      name: plan.name,
      device: plan.device,
      vrid: plan.vrid,
      state,
      priority,
      addresses: plan.addresses.map(({ address, prefix }) => `${address}/${prefix}`),
      reason,
      statistics: router?.statistics,
    }))
  }

  #close(instance: Instance, now: number): void {
    instance.router?.close(now)
    instance.router = undefined
  }

  /** Closes a router that has left the election already. */
  #discard(instance: Instance, now: number): void {
    this.#muted = true
    try {
      this.#close(instance, now)
    } finally {
      this.#muted = false
    }
  }

  /** All leave their elections in order. */
  close(now: number): void {
    for (const instance of this.#instances.values()) this.#close(instance, now)
    this.#instances.clear()
  }
}

/** Undefined: its members are under way. */
function groupState(states: readonly VrrpState[]): VrrpState | undefined {
  if (states.length === 0 || states.includes('stopped')) return undefined
  if (states.includes('fault')) return 'fault'
  if (states.every((state) => state === 'master')) return 'master'
  return states.every((state) => state === 'backup') ? 'backup' : undefined
}

/** All of a plan that a virtual router is begun with and cannot change. */
function shape(plan: InstancePlan): string {
  return JSON.stringify({ ...plan, priority: plan.priority === OWNER, track: undefined, notify: undefined })
}
