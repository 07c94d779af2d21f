/** Availability: who was up and when, and what is left of the time that may be down. */
export type { Clock, Reading } from './clock.js'
export type { State as AvailabilityState } from './history.js'
export {
  type AvailabilityEvent,
  AvailabilityLedger,
  defaultAvailabilityPath,
  type LedgerOptions,
  readAvailability,
} from './ledger.js'
export {
  type AvailabilityReport,
  type Figures,
  type Subject,
  type SubjectReport,
  type WindowName,
  windows,
} from './report.js'
export { allowed, downPercent, durationText, parseTarget, type Target, usualTargets } from './target.js'
