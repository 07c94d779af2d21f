import { SluiceScheduler } from '../datapath/index.js'

/**
 * The schedulers by the names that ipvsadm uses. Names and numbers come from the datapath's table of them (bpf/records.h), the
 * algorithms are in bpf/sched.
 */
export const schedulers: ReadonlyMap<string, number> = new Map(
  Object.entries(SluiceScheduler).map(([name, id]) => [name.toLowerCase(), id]),
)

const names: ReadonlyMap<number, string> = new Map([...schedulers].map(([name, id]) => [id, name]))

export function schedulerName(id: number): string {
  return names.get(id) ?? `scheduler-${id}`
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/**
 * What wrr needs to know of a service's weights: in the upper half the highest weight less (divisor - 1), where each
 * cycle of rounds begins; in the lower half their greatest common divisor, the step between rounds. 0: no weight at all.
 */
export function wrrWord(weights: Iterable<number>): bigint {
  let divisor = 0
  let highest = 0
  for (const weight of weights) {
    if (weight === 0) continue
    divisor = gcd(divisor, weight)
    highest = Math.max(highest, weight)
  }
  if (highest === 0) return 1n
  return (BigInt(highest - (divisor - 1)) << 32n) | BigInt(divisor)
}

/** Where wrr's round stands after the weights changed: back at the list's head, the round's weight made to fit. */
export function wrrCursor(cursor: bigint, wrr: bigint): bigint {
  const highest = wrr >> 32n
  const step = wrr & 0xffff_ffffn
  let weight = cursor >> 32n
  if (weight === 0n || weight > highest) weight = highest
  else if (step > 1n) weight = (weight / step) * step + 1n
  return weight << 32n
}
