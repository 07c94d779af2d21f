/** A share of time that something is to be up, kept as the digits that were written: 99.9 % is 999 of 1000. */
export interface Target {
  /** As written, without the sign: `99.9`. */
  readonly text: string
  /** Of `of` parts these may be down. */
  readonly down: bigint
  readonly of: bigint
}

/** The rows of the notes' table. */
export const usualTargets = ['90', '99', '99.9', '99.99', '99.999', '99.9999'] as const

/** @throws RangeError for what is no percentage from 0 to below 100 */
export function parseTarget(text: string): Target {
  const [, whole, decimals = ''] = /^(\d{1,2})(?:\.(\d{1,12}))?\s*%?$/.exec(text.trim()) ?? []
  if (whole === undefined) throw new RangeError(`${text} is no percentage such as 99.9`)
  const of = 100n * 10n ** BigInt(decimals.length)
  return { text: `${whole}${decimals && `.${decimals}`}`, down: of - BigInt(whole + decimals), of }
}

/** Milliseconds that something may be down of so many; what is less than a millisecond is not granted. */
export const allowed = (target: Target, milliseconds: number): number =>
  Number((BigInt(milliseconds) * target.down) / target.of)

/** The share that may be down, in percent: `0.1` of 99.9. */
export function downPercent({ down, of }: Target): string {
  const digits = String(of).length - 3
  const text = String(down).padStart(digits + 1, '0')
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Three digits and a unit, as the notes write it: `36.5 days`, `87.6 hours`, `52.6 minutes`, `31.5 seconds`. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 0) return `-${durationText(-milliseconds)}`
  const unit = units.find(([, size, least]) => milliseconds >= least * size) ?? ['ms', 1]
  const value = Number((milliseconds / unit[1]).toPrecision(3))
  // 100 hours and more keep their whole digits
  const shown = milliseconds / unit[1] >= 1000 ? Math.round(milliseconds / unit[1]) : value
  return `${shown} ${shown === 1 ? unit[0].replace(/s$/, '') : unit[0]}`
}

const units: readonly (readonly [name: string, size: number, least: number])[] = [
  // hours say more than 3.65 days
  ['days', DAY, 10],
  ['hours', HOUR, 1],
  ['minutes', MINUTE, 1],
  ['seconds', 1000, 1],
]
