import type { Fd } from './bpf-object.js'
import {
  AF_INET,
  AF_INET6,
  bind,
  networkAddress,
  newSocket,
  option,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  socketAddress,
} from './socket.js'
import { closeFd, libc, Memory, throwErrno } from './syscall.js'

const SO_MARK = 36

export interface MarkedPlace {
  readonly type: 'stream' | 'datagram'
  /** What its packets are marked with. */
  readonly mark: number
  /** It has the address that this host has towards this one. */
  readonly towards: string
  /** Or this one. */
  readonly source?: string | undefined
}

/**
 * A socket, not blocking and not connected, whose packets are marked.
 * @returns its descriptor, which is the caller's
 * @throws KernelError, also where there is no way towards the address
 */
export function markedSocket({ type, mark, towards, source }: MarkedPlace): Fd {
  const own = source === undefined ? sourceTowards(networkAddress(towards)) : networkAddress(source)
  const v4 = own.byteLength === 4
  const kind = (type === 'stream' ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK
  const socket = newSocket(v4 ? AF_INET : AF_INET6, kind, 0)
  try {
    option(socket, SOL_SOCKET, SO_MARK, mark)
    bind(socket, socketAddress(own, 0, 0))
    return socket
  } catch (error) {
    closeFd(socket)
    throw error
  }
}

/** The address that a packet to this one would leave with. @throws KernelError ENETUNREACH and its like */
function sourceTowards(address: Uint8Array): Uint8Array {
  const v4 = address.byteLength === 4
  const socket = newSocket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  try {
    // of a datagram socket this asks the routes alone; the port is any
    const to = socketAddress(address, 9, 0)
    const connect = libc.function('int connect(int fd, void *address, unsigned int size)')
    if (connect(socket, to.buffer, to.bytes.byteLength) < 0) throwErrno('connect()')
    const size = new Memory(4)
    size.setU32(0, to.bytes.byteLength)
    const name = libc.function('int getsockname(int fd, void *address, void *size)')
    if (name(socket, to.buffer, size.buffer) < 0) throwErrno('getsockname()')
    return v4 ? to.bytes.slice(4, 8) : to.bytes.slice(8, 24)
  } finally {
    closeFd(socket)
  }
}
