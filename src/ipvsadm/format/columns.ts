/** `text` in a column `width` wide, to the left of it as C's `%-Ns` does; longer text pushes what follows. */
export const left = (text: string | number | bigint, width: number): string => String(text).padEnd(width)

/** `text` in a column `width` wide, to the right of it as C's `%Ns` does. */
export const right = (text: string | number | bigint, width: number): string => String(text).padStart(width)

const units: readonly (readonly [below: bigint, divisor: bigint, unit: string])[] = [
  [1_000_000_000n, 1_000n, 'K'],
  [100_000_000_000n, 1_000_000n, 'M'],
  [100_000_000_000_000n, 1_000_000_000n, 'G'],
]

/** A counter in nine columns, cut to thousands (K), millions (M), … from a hundred million on; decimal units, rounded down. */
export function shortened(count: bigint): string {
  if (count < 100_000_000n) return right(count, 9)
  const [, divisor, unit] = units.find(([below]) => count < below) ?? [0n, 1_000_000_000_000n, 'T']
  return `${right(count / divisor, 8)}${unit}`
}

/** A counter with all its digits, nine columns wide or, from nine digits on, one blank before it. */
export function exact(count: bigint): string {
  return right(count, Math.max(9, String(count).length + 1))
}
