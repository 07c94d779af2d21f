import { closeSync, openSync, readdirSync, statSync } from 'node:fs'
import type { Fd } from './bpf-object.js'
import { routeRequest } from './netlink.js'
import { newSocket, SOCK_CLOEXEC, SOCK_DGRAM } from './socket.js'
import { closeFd, KernelError, libc, Memory, throwErrno } from './syscall.js'

const AF_UNIX = 1
const SOL_SOCKET = 1
const SO_NETNS_COOKIE = 71
const CLONE_NEWNET = 0x40000000

/** The network namespace of the calling thread; /proc/self would be the main thread's. */
const OWN = '/proc/thread-self/ns/net'

/**
 * The cookie of this network namespace: a number that no other one has had since boot, unlike the inode number.
 * @throws KernelError ENOPROTOOPT before Linux 5.14
 */
export function netnsCookie(): bigint {
  const socket = newSocket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  try {
    const cookie = new Memory(8)
    const size = new Memory(4)
    size.setU32(0, 8)
    const getsockopt = libc.function('int getsockopt(int fd, int level, int name, void *value, void *size)')
    if (getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, cookie.buffer, size.buffer) < 0)
      throwErrno('getsockopt(SO_NETNS_COOKIE)')
    return cookie.u64(0)
  } finally {
    closeFd(socket)
  }
}

/** The inode number of this network namespace; numbers of namespaces that are gone are given again. */
export function netnsIno(): number {
  return statSync(OWN).ino
}

/**
 * Opens a network namespace, such as `/run/netns/NAME` or `/proc/self/ns/net`.
 * @throws KernelError ENOENT, EACCES
 */
export function openNetns(path: string): Fd {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw KernelError.from(`open(${path})`, error)
  }
}

const RTM_GETNSID = 90
const NETNSA_NSID = 1
const NETNSA_FD = 3
const RTGENMSG = 4

/**
 * Where the network namespace can be opened that this one knows by a number: among those with a name, and those that
 * processes are in. Undefined: it is neither, or they cannot be seen from here.
 */
export function netnsOfId(id: number): string | undefined {
  const seen = new Set<number>()
  for (const path of netnsPaths()) {
    try {
      const { ino } = statSync(path)
      if (seen.has(ino)) continue
      seen.add(ino)
      if (netnsIdOf(path) === id) return path
    } catch {
      // gone meanwhile, or not ours to see
    }
  }
  return undefined
}

function* netnsPaths(): Iterable<string> {
  const list = (directory: string) => {
    try {
      return readdirSync(directory)
    } catch {
      return []
    }
  }
  for (const name of list('/run/netns')) yield `/run/netns/${name}`
  for (const name of list('/proc')) if (/^\d+$/.test(name)) yield `/proc/${name}/ns/net`
}

/** Negative: this namespace has no number for it. */
function netnsIdOf(path: string): number {
  const fd = openNetns(path)
  try {
    // struct rtgenmsg, then struct rtattr
    const body = new Memory(RTGENMSG + 8)
    body.view.setUint16(RTGENMSG, 8, true)
    body.view.setUint16(RTGENMSG + 2, NETNSA_FD, true)
    body.setU32(RTGENMSG + 4, fd)
    const found = routeRequest(RTM_GETNSID, body.bytes, RTGENMSG).get(NETNSA_NSID)
    return found ? new DataView(found.buffer, found.byteOffset).getInt32(0, true) : -1
  } finally {
    closeFd(fd)
  }
}

/**
 * Runs a function in another network namespace: sockets that it makes, files of /proc/sys/net that it opens and processes
 * that it starts belong there. Only this thread moves, and it is back when the function returns, so the function has to be
 * synchronous; /sys keeps showing the namespace that it was mounted for.
 *
 * @throws KernelError EPERM without CAP_SYS_ADMIN; EINVAL when `path` is no network namespace
 */
export function withNetns<T>(path: string, run: () => T extends PromiseLike<unknown> ? never : T): T {
  const home = openNetns(OWN)
  try {
    const there = openNetns(path)
    try {
      enter(there, path)
    } finally {
      closeSync(there)
    }
    try {
      return run()
    } finally {
      enter(home, 'the network namespace before')
    }
  } finally {
    closeSync(home)
  }
}

function enter(fd: Fd, name: string): void {
  if (libc.function('int setns(int fd, int type)')(fd, CLONE_NEWNET) < 0) throwErrno(`setns(${name})`)
}
