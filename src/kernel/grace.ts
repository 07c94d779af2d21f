import { syscall, syscallNumber } from './syscall.js'

const MEMBARRIER_CMD_GLOBAL = 1
const LONGEST_RUN_MS = 100

/**
 * Returns when every BPF program, and every timer's callback, that is running now has ended: what was written before is
 * seen by all that run from then on. Some milliseconds.
 */
export function waitForPrograms(): void {
  // membarrier(2): the kernel waits for a grace period of RCU, in whose readers programs run
  if (syscall(syscallNumber('membarrier'), MEMBARRIER_CMD_GLOBAL) === 0) return
  // a kernel with nohz_full CPUs refuses that; no program runs for so long
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LONGEST_RUN_MS)
}
