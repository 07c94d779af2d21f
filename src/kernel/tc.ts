import type { Fd } from './bpf-object.js'
import { libbpf } from './libbpf.js'
import { routeDump } from './netlink.js'
import { errnoName, KernelError, Memory } from './syscall.js'

/** A filter's place in a clsact qdisc: programs run in order of priority. */
export interface TcFilter {
  /** 1 or more. */
  readonly handle: number
  /** 1 to 65535. */
  readonly priority: number
  /** At egress instead of ingress. */
  readonly egress?: boolean
}

// enum bpf_tc_attach_point and enum bpf_tc_flags of libbpf
const INGRESS = 1
const EGRESS = 2
const REPLACE = 1

/** struct bpf_tc_hook */
function hook(ifindex: number, point: number): Memory {
  const memory = new Memory(24)
  memory.setU64(0, 24n)
  memory.view.setInt32(8, ifindex, true)
  memory.setU32(12, point)
  return memory
}

/** struct bpf_tc_opts */
function opts(filter: TcFilter, progFd = 0, flags = 0): Memory {
  const memory = new Memory(32)
  memory.setU64(0, 32n)
  memory.view.setInt32(8, progFd, true)
  memory.setU32(12, flags)
  memory.setU32(20, filter.handle)
  memory.setU32(24, filter.priority)
  return memory
}

const PROG_ID = 16

/** A libbpf call on a hook: 0, or errno negative. */
function onHook(name: string, at: Memory, filter?: Memory): number {
  return filter
    ? libbpf(`int ${name}(void *hook, void *opts)`)(at.buffer, filter.buffer)
    : libbpf(`int ${name}(void *hook)`)(at.buffer)
}

/**
 * Attaches a program at TC ingress (or egress) by a clsact qdisc, for kernels without TCX; it stays until {@link tcDetach}. No packet
 * passes between the old program and the new one where `replace` takes its place.
 *
 * @param options.replace take the filter's place if there is one; otherwise that is EEXIST.
 * @returns whether the device had no clsact qdisc before: what {@link tcDetach} wants to know.
 * @throws KernelError ENODEV, EPERM, EEXIST
 */
export function tcAttach(
  ifindex: number,
  progFd: Fd,
  options: TcFilter & { readonly replace?: boolean },
): { readonly createdQdisc: boolean } {
  const created = onHook('bpf_tc_hook_create', hook(ifindex, INGRESS))
  const createdQdisc = created === 0
  if (!createdQdisc && errnoName(-created) !== 'EEXIST')
    throw new KernelError(`adding a clsact qdisc to ifindex ${ifindex}`, -created)
  const result = onHook(
    'bpf_tc_attach',
    hook(ifindex, options.egress ? EGRESS : INGRESS),
    opts(options, progFd, options.replace ? REPLACE : 0),
  )
  if (result < 0) {
    if (createdQdisc) removeUnusedQdisc(ifindex)
    throw new KernelError(`attaching a TC filter to ifindex ${ifindex}`, -result)
  }
  return { createdQdisc }
}

/**
 * The program of a filter at TC ingress, or undefined where there is none.
 * @throws KernelError ENODEV, EPERM
 */
export function tcQuery(ifindex: number, filter: TcFilter): { readonly progId: number } | undefined {
  const found = opts(filter)
  const result = onHook('bpf_tc_query', hook(ifindex, INGRESS), found)
  if (result === 0) return { progId: found.u32(PROG_ID) }
  if (isAbsent(result)) return undefined
  throw new KernelError(`asking for a TC filter of ifindex ${ifindex}`, -result)
}

/**
 * Takes a filter off TC ingress.
 *
 * @param options.removeQdisc remove the clsact qdisc too, unless other filters stand in it, at ingress or egress.
 * @returns false where there was no such filter.
 * @throws KernelError ENODEV, EPERM
 */
export function tcDetach(ifindex: number, options: TcFilter & { readonly removeQdisc?: boolean }): boolean {
  const result = onHook('bpf_tc_detach', hook(ifindex, options.egress ? EGRESS : INGRESS), opts(options))
  if (result < 0 && !isAbsent(result)) throw new KernelError(`taking a TC filter off ifindex ${ifindex}`, -result)
  if (options.removeQdisc) removeUnusedQdisc(ifindex)
  return result === 0
}

/** ENOENT: no such filter; EINVAL: not even the qdisc. */
function isAbsent(result: number): boolean {
  return ['ENOENT', 'EINVAL'].includes(errnoName(-result))
}

function removeUnusedQdisc(ifindex: number): void {
  if (hasFilters(ifindex)) return
  const result = onHook('bpf_tc_hook_destroy', hook(ifindex, INGRESS | EGRESS))
  if (result < 0 && !isAbsent(result)) throw new KernelError(`removing the clsact qdisc of ifindex ${ifindex}`, -result)
}

const RTM_GETTFILTER = 46
/** Parents of the filters of a clsact qdisc, ingress and egress: TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), … */
const CLSACT_PARENTS = [0xfffffff2, 0xfffffff3]

/** Whether anybody's filter, of whatever classifier, stands in the clsact qdisc of a device. @throws KernelError */
export function hasFilters(ifindex: number): boolean {
  return CLSACT_PARENTS.some((parent) => {
    const tcmsg = new Uint8Array(20)
    const view = new DataView(tcmsg.buffer)
    view.setInt32(4, ifindex, true)
    view.setUint32(12, parent, true)
    return routeDump(RTM_GETTFILTER, tcmsg).length > 0
  })
}
