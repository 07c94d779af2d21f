import { release } from 'node:os'
import { AttachType } from './bpf-link.js'
import { progQueryCount } from './bpf-program.js'
import { KernelError } from './syscall.js'

/** The running kernel's release, such as `6.1.0-39-amd64`. */
export function kernelRelease(): string {
  return release()
}

/** Whether the running kernel is `major.minor` or newer. */
export function kernelAtLeast(major: number, minor: number): boolean {
  const [ours = 0, theirs = 0] = kernelRelease().split(/[.-]/).map(Number)
  return ours > major || (ours === major && theirs >= minor)
}

const LOOPBACK_IFINDEX = 1
let tcx: boolean | undefined

/**
 * Whether the kernel has TCX links (Linux 6.6 with CONFIG_NET_XGRESS). It is asked what stands at TCX ingress of the
 * loopback, which only a kernel with TCX answers; without the capability to ask, its release decides.
 */
export function hasTcx(): boolean {
  if (tcx !== undefined) return tcx
  try {
    progQueryCount(LOOPBACK_IFINDEX, AttachType.TCX_INGRESS)
    tcx = true
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    tcx = error.code === 'EINVAL' ? false : kernelAtLeast(6, 6)
  }
  return tcx
}
