/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * @typedef {{ median: number, low: number, high: number }} Spread
 * @param {readonly number[]} values
 * @returns {Spread}
 */
export const spread = (values) => ({ median: median(values), low: Math.min(...values), high: Math.max(...values) })

/**
 * Ratios of what was measured in the same round, one after the other: a machine that is slow for a while is slow for both.
 * @param {readonly number[]} values @param {readonly number[]} base
 */
export const paired = (values, base) => spread(values.map((value, round) => value / (base[round] ?? Number.NaN)))
