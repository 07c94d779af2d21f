import { bpf, bpfCallName, Command, tryBpf } from './bpf-call.js'
import { type Fd, objInfo } from './bpf-object.js'
import { lastErrno } from './ffi.js'
import { errnoName, KernelError, Memory } from './syscall.js'

export interface ProgramInfo {
  readonly type: number
  readonly id: number
  /** The kernel keeps 15 characters. */
  readonly name: string
  /** Digest of the instructions, 16 hexadecimal digits. */
  readonly tag: string
  /** Runs, and nanoseconds spent in them, since `kernel.bpf_stats_enabled` was set; 0 without. */
  readonly runCount: bigint
  readonly runTimeNs: bigint
  /** Instructions the verifier walked; 0 before Linux 5.16. */
  readonly verifiedInstructions: number
}

/** @throws KernelError EINVAL if the descriptor is not a program's. */
export function progInfo(fd: Fd): ProgramInfo {
  const info = objInfo(fd, 232)
  return {
    type: info.u32(0),
    id: info.u32(4),
    tag: Buffer.from(info.bytes.subarray(8, 16)).toString('hex'),
    name: info.text(64, 16),
    runTimeNs: info.u64(192),
    runCount: info.u64(200),
    verifiedInstructions: info.u32(216),
  }
}

export interface TestRun {
  /** The packet, from its Ethernet header on; at least 14 bytes. */
  readonly dataIn?: Uint8Array
  /** Room for the packet that comes out. Default: `dataIn` and 256 bytes more. */
  readonly dataOutSize?: number
  /** The context (`struct __sk_buff`, …). */
  readonly ctxIn?: Uint8Array
  /** Default: as long as `ctxIn`. */
  readonly ctxOutSize?: number
  /** Default 1. */
  readonly repeat?: number
}

export interface TestResult {
  /** What the program returned, unsigned. */
  readonly retval: number
  readonly dataOut: Uint8Array
  readonly ctxOut: Uint8Array
  /** Mean of one run. */
  readonly durationNs: number
}

/**
 * Runs a program in the kernel on data given (BPF_PROG_TEST_RUN).
 * @throws KernelError ENOSPC when `dataOutSize` is too small.
 */
export function progTestRun(fd: Fd, run: TestRun): TestResult {
  const dataOutSize = run.dataOutSize ?? (run.dataIn ? run.dataIn.byteLength + 256 : 0)
  const ctxOutSize = run.ctxOutSize ?? run.ctxIn?.byteLength ?? 0
  const dataOut = new Memory(dataOutSize)
  const ctxOut = new Memory(ctxOutSize)
  for (;;) {
    const { result, attr } = tryBpf(Command.PROG_TEST_RUN, (a) => {
      a.setU32(0, fd)
      if (run.dataIn) {
        a.setU32(8, run.dataIn.byteLength)
        a.setPointer(16, Memory.of(run.dataIn))
      }
      if (dataOutSize > 0) {
        a.setU32(12, dataOutSize)
        a.setPointer(24, dataOut)
      }
      a.setU32(32, run.repeat ?? 1)
      if (run.ctxIn) {
        a.setU32(40, run.ctxIn.byteLength)
        a.setPointer(48, Memory.of(run.ctxIn))
      }
      if (ctxOutSize > 0) {
        a.setU32(44, ctxOutSize)
        a.setPointer(56, ctxOut)
      }
    })
    if (result < 0) {
      const errno = lastErrno()
      if (errnoName(errno) === 'EINTR') continue
      throw new KernelError(bpfCallName(Command.PROG_TEST_RUN, `program fd ${fd}`), errno)
    }
    return {
      retval: attr.u32(4),
      dataOut: dataOut.bytes.slice(0, Math.min(attr.u32(12), dataOutSize)),
      ctxOut: ctxOut.bytes.slice(0, Math.min(attr.u32(44), ctxOutSize)),
      durationNs: attr.u32(36),
    }
  }
}

/**
 * How many programs stand at a hook of a device of this namespace.
 * @param attachType such as BPF_TCX_INGRESS.
 * @throws KernelError EINVAL when the kernel does not know the hook.
 */
export function progQueryCount(ifindex: number, attachType: number): number {
  let attributes: Memory | undefined
  bpf(Command.PROG_QUERY, `ifindex ${ifindex}, attach type ${attachType}`, (attr) => {
    attr.setU32(0, ifindex)
    attr.setU32(4, attachType)
    attributes = attr
  })
  return attributes?.u32(24) ?? 0
}
