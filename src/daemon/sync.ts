import type { Config, SyncPlan } from '../config/index.js'
import { SluiceError } from '../errors.js'
import { type DaemonState, type Director, IpvsError } from '../ipvs/index.js'
import type { Tell } from './events.js'

/** Milliseconds between looks at whether the daemons live. */
const LOOK = 2000

/**
 * Keeps the processes of connection synchronization as configured: both roles at once, so that whoever has the VIP tells
 * the other. They live on when the daemon ends, and are found again.
 */
export class SyncKeeper {
  #plan: SyncPlan | undefined
  #timer: NodeJS.Timeout | undefined
  #failure = ''

  constructor(
    readonly director: Director,
    readonly tell: Tell,
  ) {}

  apply({ sync }: Config): void {
    clearTimeout(this.#timer)
    // what was configured no more ends; a daemon that somebody else started is left alone
    for (const role of this.#plan?.roles ?? []) if (!sync?.roles.includes(role)) this.#attempt(() => this.#end(role))
    this.#plan = sync
    if (sync) this.#look(sync)
  }

  #look(plan: SyncPlan): void {
    for (const role of plan.roles) this.#attempt(() => this.#keep(role, plan))
    this.#timer = setTimeout(() => this.#look(plan), LOOK)
  }

  #keep(role: DaemonState, { options }: SyncPlan): void {
    const running = this.director.daemons().find(({ state }) => state === role)
    if (running) {
      const same = Object.entries(options).every(([name, value]) => running[name as keyof typeof running] === value)
      if (same) return
      this.director.stopDaemon(role)
    }
    this.director.startDaemon(role, options)
    this.#failure = ''
    this.tell({ type: 'note', text: `synchronization: the ${role} runs on ${options.interface}` })
  }

  #end(role: DaemonState): void {
    if (!this.director.daemons().some(({ state }) => state === role)) return
    this.director.stopDaemon(role)
    this.tell({ type: 'note', text: `synchronization: the ${role} has ended` })
  }

  /** What is refused now (a device that is not there yet) may go well the next time; it is told once. */
  #attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof IpvsError) && !SluiceError.is(error)) throw error
      if (this.#failure === error.message) return
      this.#failure = error.message
      this.tell({ type: 'error', what: 'synchronization', reason: error.message })
    }
  }

  /** The processes go on. @param end they end as well */
  stop(end: boolean): void {
    clearTimeout(this.#timer)
    if (end) for (const role of this.#plan?.roles ?? []) this.#attempt(() => this.#end(role))
  }
}
