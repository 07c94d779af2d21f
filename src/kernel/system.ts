import { readFileSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'

export function kernelRelease(): string {
  return release()
}

export function kernelAtLeast(major: number, minor: number): boolean {
  const [a = 0, b = 0] = release().split(/[.-]/).map(Number)
  return a > major || (a === major && b >= minor)
}

/** TCX links at TC ingress came with Linux 6.6. */
export function hasTcx(): boolean {
  return kernelAtLeast(6, 6)
}

/** A sysctl of this network namespace, by its dotted name. */
export function readSysctl(name: string): string {
  return readFileSync(sysctlPath(name), 'latin1').trim()
}

export function writeSysctl(name: string, value: string): void {
  writeFileSync(sysctlPath(name), value)
}

function sysctlPath(name: string): string {
  return `/proc/sys/${name.replaceAll('.', '/')}`
}

/** CPUs that this kernel could ever run on, from 0: the number of per-CPU rows. */
export function possibleCpus(): number {
  const ranges = readFileSync('/sys/devices/system/cpu/possible', 'latin1').trim()
  return Number(ranges.split(/[,-]/).at(-1)) + 1
}

/** CLOCK_MONOTONIC, as bpf_ktime_get_ns tells it. */
export function monotonicNs(): bigint {
  return process.hrtime.bigint()
}

const CAP_NET_ADMIN = 12n
const CAP_SYS_ADMIN = 21n
const CAP_BPF = 39n

/** May this process load programs and attach them? */
export function hasNetAdminAndBpf(): boolean {
  const [, mask = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
  const has = (cap: bigint) => ((BigInt(`0x${mask}`) >> cap) & 1n) === 1n
  return has(CAP_NET_ADMIN) && (has(CAP_BPF) || has(CAP_SYS_ADMIN))
}
