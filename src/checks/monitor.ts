import { attempt, type Check, type Outcome, type Target } from './check.js'

/** How often, and how much it takes to be believed. Times are milliseconds. */
export interface Rhythm {
  /** From the beginning of one check to that of the next. */
  readonly interval: number
  readonly timeout: number
  /** Attempts beyond the first that a check has before it has failed. */
  readonly retries: number
  readonly retryDelay: number
  /** Checks in a row that must succeed before a server that was down is up. */
  readonly rise: number
  /** Checks in a row that must fail before one that was up is down. */
  readonly fall: number
  /** Up to this part of the interval is added by chance, so that checks spread out. 0 to 1. */
  readonly jitter: number
}

export const defaultRhythm: Rhythm = {
  interval: 2000,
  timeout: 1000,
  retries: 0,
  retryDelay: 500,
  rise: 1,
  fall: 3,
  jitter: 0.1,
}

/** unknown: nothing is decided yet; nobody is sent there. */
export type Health = 'unknown' | 'up' | 'down'

export interface HealthReport {
  readonly health: Health
  /** Of the last check. */
  readonly outcome: Outcome | undefined
  /** Epoch milliseconds of the last change of health. */
  readonly since: number
}

/** Counts outcomes into a health: `rise` and `fall`. */
export class HealthCounter {
  #health: Health = 'unknown'
  #row = 0

  constructor(readonly rhythm: Pick<Rhythm, 'rise' | 'fall'>) {}

  get health(): Health {
    return this.#health
  }

  /** @returns true where the health changed */
  count(ok: boolean): boolean {
    const towards: Health = ok ? 'up' : 'down'
    if (this.#health === towards) {
      this.#row = 0
      return false
    }
    this.#row = Math.sign(this.#row) === (ok ? 1 : -1) ? this.#row + (ok ? 1 : -1) : ok ? 1 : -1
    if (Math.abs(this.#row) < (ok ? this.rhythm.rise : this.rhythm.fall)) return false
    this.#health = towards
    this.#row = 0
    return true
  }
}

/** Checks one target over and over, until it is stopped. */
export class Monitor {
  readonly #counter: HealthCounter
  #outcome: Outcome | undefined
  #since = Date.now()
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #spread = false

  /** @param changed is called when the health changes, and when a script's weight does */
  constructor(
    readonly target: Target,
    readonly check: Check,
    readonly rhythm: Rhythm,
    readonly changed: (report: HealthReport) => void,
  ) {
    this.#counter = new HealthCounter(rhythm)
    // the first ones come soon, and not all at once
    this.#timer = setTimeout(() => void this.#run(), Math.random() * rhythm.interval * rhythm.jitter)
  }

  get report(): HealthReport {
    return { health: this.#counter.health, outcome: this.#outcome, since: this.#since }
  }

  async #run(): Promise<void> {
    const began = performance.now()
    const outcome = await this.#attempts()
    if (this.#stopped) return
    const weight = this.#outcome?.weight
    this.#outcome = outcome
    const changed = this.#counter.count(outcome.ok)
    if (changed) this.#since = Date.now()
    if (changed || (outcome.ok && outcome.weight !== weight)) this.changed(this.report)
    const { interval, jitter } = this.rhythm
    // from the second one on those that began together spread over the whole interval
    const part = this.#spread || jitter === 0 ? 1 + Math.random() * jitter : Math.random()
    this.#spread = true
    const wait = interval * part - (performance.now() - began)
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#run(), Math.max(0, wait))
  }

  async #attempts(): Promise<Outcome> {
    const { retries, retryDelay, timeout } = this.rhythm
    for (let left = retries; ; left -= 1) {
      const outcome = await attempt(this.check, this.target, timeout)
      if (outcome.ok || left <= 0 || this.#stopped) return outcome
      await new Promise((resolve) => setTimeout(resolve, retryDelay))
    }
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }
}
