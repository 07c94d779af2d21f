import type { History, State } from './history.js'
import { allowed, type Target } from './target.js'

const DAY = 86_400_000

/** The windows that are reported, ending now. */
export const windows = { day: DAY, week: 7 * DAY, '30d': 30 * DAY, '90d': 90 * DAY, year: 365 * DAY } as const
export type WindowName = keyof typeof windows

/** A virtual service, or a real server of one. The names are the caller's: they come back as they are. */
export interface Subject {
  readonly service: string
  readonly server?: string
}

/** Of one window. Times are milliseconds; up + down + planned + unseen is what the record has of the window. */
export interface Figures {
  readonly window: WindowName
  /** Epoch ms. Earlier than the window by at most a 32nd where a server changed so often that old detail was merged. */
  readonly from: number
  readonly up: number
  readonly down: number
  /** Drained, or taken out by hand: neither up nor down. */
  readonly planned: number
  /** No daemon looked. */
  readonly unseen: number
  /** Outages, one that had begun before included. */
  readonly failures: number
  /** Mean time between failures: time up over failures; null without a failure. */
  readonly mtbf: number | null
  /** Mean time to repair: time down over failures; null without a failure. */
  readonly mttr: number | null
  /** MTBF / (MTBF + MTTR), 0 to 1; null where it was never seen up or down. */
  readonly availability: number | null
  readonly budget: {
    /** Percent, as it was written. */
    readonly target: string
    /** Milliseconds of the whole window that it may be down. */
    readonly allowed: number
    /** What is left of them; less than 0: spent, and more. */
    readonly left: number
  }
}

export interface SubjectReport extends Subject {
  readonly state: State
  /** Epoch ms. */
  readonly since: number
  readonly windows: readonly Figures[]
}

export interface AvailabilityReport {
  /** Epoch ms. */
  readonly at: number
  /** Epoch ms of the record's beginning. */
  readonly from: number
  /** Is a daemon keeping the record? Where none is, the time since its last word is `unseen`. */
  readonly live: boolean
  /** Lines of the record that were not as they had been written, and were left out. */
  readonly damaged: number
  readonly subjects: readonly SubjectReport[]
}

/** @param at of the ledger @param wall what the wall clock shows then */
export function figures(history: History, at: number, wall: number, target: Target): readonly Figures[] {
  return (Object.keys(windows) as WindowName[]).map((window) => {
    const length = windows[window]
    const { from, up, down, planned, unseen, failures } = history.totals(at - length, at)
    const granted = allowed(target, length)
    return {
      window,
      from: wall - (at - from),
      up,
      down,
      planned,
      unseen,
      failures,
      mtbf: failures === 0 ? null : up / failures,
      mttr: failures === 0 ? null : down / failures,
      availability: up + down === 0 ? null : up / (up + down),
      budget: { target: target.text, allowed: granted, left: granted - down },
    }
  })
}
