import { readFileSync } from 'node:fs'

/**
 * What the clocks said at one moment. The monotonic clock tells how long something took, and tells it across processes of
 * one boot; the wall clock may be set at any time, so it is asked only between boots, where nothing else is left.
 */
export interface Reading {
  /** Epoch milliseconds. */
  readonly wall: number
  /** Milliseconds of CLOCK_MONOTONIC. */
  readonly mono: number
  /** The kernel's name for this boot. */
  readonly boot: string
}

export type Clock = () => Reading

let boot: string | undefined

/** The machine's clocks. */
export const systemClock: Clock = () => {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return { wall: Date.now(), mono: Number(process.hrtime.bigint() / 1_000_000n), boot }
}

/** Milliseconds from one reading to a later one; never less than 0, however the clocks were set. */
export function elapsed(from: Reading, to: Reading): number {
  return Math.max(0, from.boot === to.boot ? to.mono - from.mono : to.wall - from.wall)
}
