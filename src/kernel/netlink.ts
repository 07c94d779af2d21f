import { lastErrno } from './ffi.js'
import { closeFd, errnoName, KernelError, libc, Memory, throwErrno } from './syscall.js'

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0x80000
const NETLINK_ROUTE = 0
const NLM_F_REQUEST_DUMP = 0x1 | 0x300
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const HEADER = 16

/**
 * Asks the kernel's rtnetlink for everything of a kind in this network namespace.
 *
 * @param type request, such as RTM_GETTFILTER.
 * @param body the family's header (`struct tcmsg`, …).
 * @returns the answers, each without `struct nlmsghdr`.
 * @throws KernelError
 */
export function routeDump(type: number, body: Uint8Array): Uint8Array[] {
  const call = `rtnetlink dump ${type}`
  const socket = libc.function('int socket(int domain, int type, int protocol)')(
    AF_NETLINK,
    SOCK_RAW_CLOEXEC,
    NETLINK_ROUTE,
  ) as number
  if (socket < 0) throwErrno('socket(AF_NETLINK)')
  try {
    const request = new Memory(HEADER + body.byteLength)
    request.setU32(0, request.bytes.byteLength)
    request.view.setUint16(4, type, true)
    request.view.setUint16(6, NLM_F_REQUEST_DUMP, true)
    request.bytes.set(body, HEADER)
    const send = libc.function('long send(int fd, void *data, size_t size, int flags)')
    if (send(socket, request.buffer, request.bytes.byteLength, 0) < 0) throwErrno(call)
    const answers: Uint8Array[] = []
    // the kernel fills at most 32 KiB at a time for a buffer of this size
    const buffer = new Memory(64 << 10)
    const receive = libc.function('long recv(int fd, void *data, size_t size, int flags)')
    for (;;) {
      const size = receive(socket, buffer.buffer, buffer.bytes.byteLength, 0) as number
      if (size < 0) {
        const errno = lastErrno()
        if (errnoName(errno) === 'EINTR') continue
        throw new KernelError(call, errno)
      }
      for (let at = 0; at + HEADER <= size; ) {
        const length = buffer.u32(at)
        const kind = buffer.view.getUint16(at + 4, true)
        if (kind === NLMSG_DONE || kind === NLMSG_ERROR) {
          const error = length >= HEADER + 4 ? buffer.view.getInt32(at + HEADER, true) : 0
          if (error < 0) throw new KernelError(call, -error)
          return answers
        }
        answers.push(buffer.bytes.slice(at + HEADER, at + length))
        at += (length + 3) & ~3
      }
    }
  } finally {
    closeFd(socket)
  }
}
