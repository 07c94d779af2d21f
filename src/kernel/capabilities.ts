import { readFileSync } from 'node:fs'

/** Numbers from uapi/linux/capability.h. */
export const Capability = { NET_ADMIN: 12, SYS_ADMIN: 21, PERFMON: 38, BPF: 39 } as const

/** The effective capabilities of this process, one bit each. */
export function effectiveCapabilities(): bigint {
  return parseEffective(readFileSync('/proc/self/status', 'utf8'))
}

/** `CapEff` of a /proc/PID/status. */
export function parseEffective(status: string): bigint {
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
}

/** Whether a set of capabilities lets a process load and attach programs; CAP_SYS_ADMIN includes CAP_BPF. */
export function includesNetAdminAndBpf(capabilities: bigint): boolean {
  const has = (number: number) => ((capabilities >> BigInt(number)) & 1n) === 1n
  return has(Capability.NET_ADMIN) && (has(Capability.BPF) || has(Capability.SYS_ADMIN))
}

/** Whether this process may load and attach programs. */
export function hasNetAdminAndBpf(): boolean {
  return includesNetAdminAndBpf(effectiveCapabilities())
}
