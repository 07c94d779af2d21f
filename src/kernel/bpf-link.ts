import { bpf, Command } from './bpf-call.js'
import { type Fd, objInfo } from './bpf-object.js'
import { Memory } from './syscall.js'

/** Hooks, from uapi/linux/bpf.h `enum bpf_attach_type`. */
export const AttachType = { TRACE_ITER: 28, SK_LOOKUP: 36, XDP: 37, TCX_INGRESS: 46, TCX_EGRESS: 47 } as const

const LINK_TYPE_NETNS = 5
const LINK_TYPE_XDP = 6
const LINK_TYPE_TCX = 11

/** Before all that stand at the hook. */
const BPF_F_BEFORE = 1 << 3

export interface LinkInfo {
  readonly type: number
  readonly id: number
  readonly progId: number
  /** Of a TCX link. `ifindex` 0: the device is gone, or the link was detached. */
  readonly tcx?: { readonly ifindex: number; readonly attachType: number }
  /** Of a network namespace's link. `ino` 0: the namespace is gone, or the link was detached. */
  readonly netns?: { readonly ino: number; readonly attachType: number }
  /** Of an XDP link. `ifindex` 0: the device is gone, or the link was detached. */
  readonly xdp?: { readonly ifindex: number }
}

/** @throws KernelError EINVAL if the descriptor is not a link's. */
export function linkInfo(fd: Fd): LinkInfo {
  const info = objInfo(fd, 64)
  const type = info.u32(0)
  return {
    type,
    id: info.u32(4),
    progId: info.u32(8),
    ...(type === LINK_TYPE_TCX ? { tcx: { ifindex: info.u32(16), attachType: info.u32(20) } } : {}),
    ...(type === LINK_TYPE_NETNS ? { netns: { ino: info.u32(16), attachType: info.u32(20) } } : {}),
    ...(type === LINK_TYPE_XDP ? { xdp: { ifindex: info.u32(16) } } : {}),
  }
}

/**
 * Attaches a program at TCX ingress of a device; it stays while a descriptor or a pin of the link does.
 *
 * @param options.first before the programs that are there; otherwise after them.
 * @throws KernelError EINVAL on kernels before 6.6, ENODEV, EPERM
 */
export function linkCreateTcx(
  progFd: Fd,
  ifindex: number,
  options: { readonly first?: boolean; readonly egress?: boolean } = {},
): Fd {
  return bpf(Command.LINK_CREATE, `TCX ${options.egress ? 'egress' : 'ingress'} of ifindex ${ifindex}`, (attr) => {
    attr.setU32(0, progFd)
    attr.setU32(4, ifindex)
    attr.setU32(8, options.egress ? AttachType.TCX_EGRESS : AttachType.TCX_INGRESS)
    attr.setU32(12, options.first ? BPF_F_BEFORE : 0)
  })
}

/** How XDP stands at a device: in its driver, or in the stack behind it. */
export type XdpMode = 'native' | 'generic'

// XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE
const xdpFlags: Readonly<Record<XdpMode, number>> = { generic: 1 << 1, native: 1 << 2 }

/**
 * Attaches an XDP program to a device; it stays while a descriptor or a pin of the link does.
 *
 * @throws KernelError EBUSY or EEXIST where another program stands, EOPNOTSUPP where the driver has no XDP, ERANGE, EINVAL and
 * others where it cannot under the device's settings, ENODEV, EPERM
 */
export function linkCreateXdp(progFd: Fd, ifindex: number, mode: XdpMode): Fd {
  return bpf(Command.LINK_CREATE, `${mode} XDP of ifindex ${ifindex}`, (attr) => {
    attr.setU32(0, progFd)
    attr.setU32(4, ifindex)
    attr.setU32(8, AttachType.XDP)
    attr.setU32(12, xdpFlags[mode])
  })
}

/**
 * Attaches an `sk_lookup` program to a network namespace.
 * @param netnsFd from {@link openNetns}.
 * @throws KernelError
 */
export function linkCreateNetns(progFd: Fd, netnsFd: Fd): Fd {
  return bpf(Command.LINK_CREATE, 'sk_lookup of a network namespace', (attr) => {
    attr.setU32(0, progFd)
    attr.setU32(4, netnsFd)
    attr.setU32(8, AttachType.SK_LOOKUP)
  })
}

/**
 * Makes an iterator over a map's elements; pinned, it is a file that each reader gets anew.
 *
 * @param progFd of a program `iter/bpf_map_elem`.
 * @throws KernelError EINVAL when the program reaches beyond the map's elements, or the map cannot be walked.
 */
export function linkCreateMapIterator(progFd: Fd, mapFd: Fd): Fd {
  // union bpf_iter_link_info
  const about = new Memory(16)
  about.setU32(0, mapFd)
  return bpf(Command.LINK_CREATE, `iterator over map fd ${mapFd}`, (attr) => {
    attr.setU32(0, progFd)
    attr.setU32(8, AttachType.TRACE_ITER)
    attr.setPointer(16, about)
    attr.setU32(24, about.bytes.byteLength)
  })
}

/** Puts another program in the place of the link's, with no packet between. @throws KernelError ENOLINK once detached */
export function linkUpdate(linkFd: Fd, newProgFd: Fd): void {
  bpf(Command.LINK_UPDATE, `link fd ${linkFd}`, (attr) => {
    attr.setU32(0, linkFd)
    attr.setU32(4, newProgFd)
  })
}

/** Takes the program off, while the link's pins and descriptors stay. @throws KernelError */
export function linkDetach(linkFd: Fd): void {
  bpf(Command.LINK_DETACH, `link fd ${linkFd}`, (attr) => attr.setU32(0, linkFd))
}
