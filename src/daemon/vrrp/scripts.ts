import { Monitor, scriptCheck } from '../../checks/index.js'
import type { VrrpScriptPlan } from '../../config/index.js'

/** Runs the scripts that instances track: 0 is well, all else is not. */
export class TrackedScripts {
  readonly #running = new Map<string, { readonly text: string; readonly monitor: Monitor }>()

  constructor(readonly tell: (name: string, ok: boolean | undefined) => void) {}

  /** These run from now on, and no others; those that are the same go on. */
  keep(plans: readonly VrrpScriptPlan[]): void {
    const wanted = new Map(plans.map((plan) => [plan.name, plan]))
    for (const [name, { text, monitor }] of this.#running) {
      const plan = wanted.get(name)
      if (plan && JSON.stringify(plan) === text) continue
      monitor.stop()
      this.#running.delete(name)
      this.tell(name, undefined)
    }
    for (const plan of plans) {
      if (this.#running.has(plan.name)) continue
      const { command, interval, timeout, rise, fall } = plan
      const rhythm = { interval, timeout, rise, fall, retries: 0, retryDelay: 0, jitter: 0 }
      const check = scriptCheck({ command })
      const strict: typeof check = async (target, signal) => {
        const outcome = await check(target, signal)
        return { ...outcome, ok: outcome.reason === 'exit status 0' }
      }
      const monitor = new Monitor({ address: '', port: 0 }, strict, rhythm, ({ health }) =>
        this.tell(plan.name, health === 'unknown' ? undefined : health === 'up'),
      )
      this.#running.set(plan.name, { text: JSON.stringify(plan), monitor })
    }
  }

  stop(): void {
    this.keep([])
  }
}
