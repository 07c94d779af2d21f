import { readFileSync } from 'node:fs'

/**
 * Nanoseconds of CLOCK_MONOTONIC, which `process.hrtime` reads: the clock of bpf_ktime_get_ns(). (In a time namespace of its
 * own, a process is shown another one.)
 */
export function monotonicNs(): bigint {
  return process.hrtime.bigint()
}

let cpus: number | undefined

/**
 * One more than the highest number that a CPU of this machine can ever have: room for an array indexed by CPU number, and
 * for the values of an element of a per-CPU map, which are as many or, where numbers are left out, fewer.
 */
export function possibleCpus(): number {
  cpus ??= highestCpu(readFileSync('/sys/devices/system/cpu/possible', 'utf8')) + 1
  return cpus
}

/** The highest number of a list of CPUs such as `0-3,8`. */
export function highestCpu(list: string): number {
  return Math.max(...list.trim().split(/[,-]/).map(Number))
}
