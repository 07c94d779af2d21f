/** What is known of a service or server at a time. `planned`: taken out on purpose; `unseen`: nobody looked. */
export type State = 'up' | 'down' | 'planned' | 'unseen'

export const states: readonly State[] = ['up', 'down', 'planned', 'unseen']

/** Milliseconds in each state, and how many outages began. */
export interface Totals extends Readonly<Record<State, number>> {
  readonly failures: number
}

/** A stretch of time: of one state, or, where many were merged, the sums of several. Times are of the ledger, in ms. */
export interface Stretch extends Totals {
  readonly from: number
  readonly to: number
}

/** What a history is rebuilt from. */
export interface HistoryRecord {
  readonly past: readonly Stretch[]
  readonly now?: { readonly state: State; readonly since: number; readonly failure: boolean }
  /** The last word on it that was no guess and no plan. */
  readonly last?: 'up' | 'down'
}

/** More stretches than these are thinned out: old neighbours become one. */
export const MOST_STRETCHES = 2000

/** Merged stretches are no longer than this part of their age. */
const FINENESS = 32

/** Older than this is forgotten: the longest window is a year. */
export const MEMORY = 366 * 86_400_000

/** The life of one service or server. */
export class History {
  #past: Stretch[]
  #now: HistoryRecord['now']
  #last: HistoryRecord['last']

  constructor(record: HistoryRecord = { past: [] }) {
    this.#past = [...record.past]
    this.#now = record.now
    this.#last = record.last
  }

  get record(): HistoryRecord {
    return { past: this.#past, ...(this.#now ? { now: this.#now } : {}), ...(this.#last ? { last: this.#last } : {}) }
  }

  /** undefined: it is not there (any more). */
  get now(): { readonly state: State; readonly since: number } | undefined {
    return this.#now
  }

  /** @returns false where it is in that state already */
  enter(state: State | undefined, at: number): boolean {
    if (state === this.#now?.state) return false
    // an outage counts, however short
    if (this.#now && (at > this.#now.since || this.#now.failure)) this.#past.push(pure(this.#now, at))
    if (this.#past.length > MOST_STRETCHES) this.forget(at)
    // what was down before nobody looked, and is down after, has failed once
    this.#now = state && { state, since: at, failure: state === 'down' && this.#last !== 'down' }
    if (state === 'up' || state === 'down') this.#last = state
    if (state === undefined) this.#last = undefined
    return true
  }

  /**
   * What happened between two times. A merged stretch that the beginning cuts is taken whole, so that the sums stay exact:
   * `from` says from when.
   */
  totals(from: number, to: number): Stretch {
    const sum = { from, to, up: 0, down: 0, planned: 0, unseen: 0, failures: 0 }
    const stretches = this.#now && to > this.#now.since ? [...this.#past, pure(this.#now, to)] : this.#past
    for (const stretch of stretches) {
      if (stretch.to <= from || stretch.from >= to) continue
      const part = clip(stretch, from, to)
      // one that had begun before is an outage of this time too
      const failures = part.down > 0 && sum.failures === 0 ? Math.max(1, part.failures) : part.failures
      for (const state of states) sum[state] += part[state]
      sum.failures += failures
      sum.from = Math.min(sum.from, part.from)
    }
    return sum
  }

  /** Forgets what is too old, and merges where there is too much. @returns false where nothing is left */
  forget(at: number): boolean {
    this.#past = this.#past.filter(({ to }) => to > at - MEMORY)
    if (this.#past.length > MOST_STRETCHES) this.#past = thin(this.#past, at)
    return this.#past.length > 0 || this.#now !== undefined
  }
}

function pure({ state, since, failure }: NonNullable<HistoryRecord['now']>, to: number): Stretch {
  const none = { up: 0, down: 0, planned: 0, unseen: 0 }
  return { from: since, to, ...none, [state]: to - since, failures: failure ? 1 : 0 }
}

function clip(stretch: Stretch, from: number, to: number): Stretch {
  const whole = stretch.to - stretch.from
  const state = states.find((one) => stretch[one] === whole)
  // of several states nobody knows any more which was when
  if (state === undefined) return stretch
  const part = { from: Math.max(from, stretch.from), to: Math.min(to, stretch.to) }
  return { ...stretch, ...part, [state]: part.to - part.from }
}

/** Merges neighbours as long as the result is short for its age: what is recent keeps its detail. */
export function thin(past: readonly Stretch[], at: number): Stretch[] {
  const result: Stretch[] = []
  for (const stretch of past) {
    const before = result.at(-1)
    if (before && (stretch.to - before.from) * FINENESS <= at - stretch.to)
      result[result.length - 1] = merge(before, stretch)
    else result.push(stretch)
  }
  return result
}

export function merge(a: Stretch, b: Stretch): Stretch {
  return {
    from: a.from,
    to: b.to,
    up: a.up + b.up,
    down: a.down + b.down,
    planned: a.planned + b.planned,
    unseen: a.unseen + b.unseen,
    failures: a.failures + b.failures,
  }
}
