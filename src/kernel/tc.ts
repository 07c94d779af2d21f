import { bpfLibrary } from './libbpf.js'
import { allocate, KernelError } from './syscall.js'

/** TC ingress by the clsact qdisc: kernels before 6.6, which have no TCX. */

const BPF_TC_INGRESS = 1
const BPF_TC_EGRESS = 2
const BPF_TC_F_REPLACE = 1
const EEXIST = 17
const ENOENT = 2

/** struct bpf_tc_hook: size, ifindex, attach_point, parent. */
function hook(ifindex: number, point: number) {
  const m = allocate(24)
  m.view.setBigUint64(0, 24n, true)
  m.view.setInt32(8, ifindex, true)
  m.view.setInt32(12, point, true)
  return m
}

/** struct bpf_tc_opts: size, prog_fd, flags, prog_id, handle, priority. */
function opts(values: { progFd?: number; flags?: number; handle?: number; priority?: number }) {
  const m = allocate(32)
  m.view.setBigUint64(0, 32n, true)
  m.view.setInt32(8, values.progFd ?? 0, true)
  m.view.setUint32(12, values.flags ?? 0, true)
  m.view.setUint32(20, values.handle ?? 0, true)
  m.view.setUint32(24, values.priority ?? 0, true)
  return m
}

export interface TcPlace {
  readonly handle: number
  readonly priority: number
}

/**
 * Puts the program at `place` of the device's ingress, in direct-action mode.
 *
 * @returns whether the clsact qdisc had to be made for it.
 */
export function tcAttach(
  ifindex: number,
  progFd: number,
  options: TcPlace & { replace?: boolean },
): { createdQdisc: boolean } {
  const at = hook(ifindex, BPF_TC_INGRESS)
  const created = bpfLibrary('int bpf_tc_hook_create(uint64_t hook)')(at.address) as number
  if (created < 0 && created !== -EEXIST) throw new KernelError(`clsact qdisc on ifindex ${ifindex}`, -created)
  const how = opts({ progFd, flags: options.replace ? BPF_TC_F_REPLACE : 0, ...options })
  const result = bpfLibrary('int bpf_tc_attach(uint64_t hook, uint64_t opts)')(at.address, how.address) as number
  if (result < 0) throw new KernelError(`TC filter on ifindex ${ifindex}`, -result)
  return { createdQdisc: created === 0 }
}

/** The id of the program at `place`, if there is one. */
export function tcQuery(ifindex: number, place: TcPlace): number | undefined {
  const how = opts(place)
  const result = bpfLibrary('int bpf_tc_query(uint64_t hook, uint64_t opts)')(
    hook(ifindex, BPF_TC_INGRESS).address,
    how.address,
  )
  if (result === -ENOENT) return undefined
  if (result < 0) throw new KernelError(`TC filter on ifindex ${ifindex}`, -result)
  return how.view.getUint32(16, true)
}

/** Takes the filter away; and the qdisc, where it is ours. Nothing there is nothing to do. */
export function tcDetach(ifindex: number, options: TcPlace & { removeQdisc: boolean }): void {
  const how = opts({ handle: options.handle, priority: options.priority })
  const result = bpfLibrary('int bpf_tc_detach(uint64_t hook, uint64_t opts)')(
    hook(ifindex, BPF_TC_INGRESS).address,
    how.address,
  )
  if (result < 0 && result !== -ENOENT) throw new KernelError(`TC filter on ifindex ${ifindex}`, -result)
  if (!options.removeQdisc) return
  // both attach points together stand for the qdisc itself
  const both = hook(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS)
  const removed = bpfLibrary('int bpf_tc_hook_destroy(uint64_t hook)')(both.address) as number
  if (removed < 0 && removed !== -ENOENT) throw new KernelError(`clsact qdisc on ifindex ${ifindex}`, -removed)
}
