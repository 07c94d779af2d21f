import type { Fd } from './bpf-object.js'
import { lastErrno } from './ffi.js'
import { routeDump } from './netlink.js'
import { bind, newSocket } from './socket.js'
import { closeFd, errnoName, KernelError, libc, Memory } from './syscall.js'

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0x80000 | 0x800
const NETLINK_ROUTE = 0
/** RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR */
const GROUPS = 0x1 | 0x10 | 0x100
const RTM_GETLINK = 18
const IFLA_IFNAME = 3
const IFF_UP = 0x1
const IFF_RUNNING = 0x40

/** A socket that is readable when a device or an address of this namespace has changed. @throws KernelError */
export function linkEvents(): Fd {
  const socket = newSocket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_ROUTE)
  try {
    // struct sockaddr_nl
    const address = new Memory(12)
    address.view.setUint16(0, AF_NETLINK, true)
    address.setU32(8, GROUPS)
    bind(socket, address)
    return socket
  } catch (error) {
    closeFd(socket)
    throw error
  }
}

/** Takes all that waits in such a socket: what has changed is asked for anew. @throws KernelError */
export function clearLinkEvents(socket: Fd): void {
  const buffer = new Memory(16 << 10)
  const receive = libc.function('long recv(int fd, void *data, size_t size, int flags)')
  for (;;) {
    if ((receive(socket, buffer.buffer, buffer.bytes.byteLength, 0) as number) >= 0) continue
    const name = errnoName(lastErrno())
    if (name === 'EAGAIN') return
    // more than fits: then it is readable still, and everything is asked for anew all the same
    if (name !== 'EINTR' && name !== 'ENOBUFS') throw new KernelError('recv(netlink)', lastErrno())
  }
}

/** The devices that are up and have a carrier, by name. No process is started. @throws KernelError */
export function runningLinks(): Set<string> {
  const up = new Set<string>()
  // struct ifinfomsg
  for (const answer of routeDump(RTM_GETLINK, new Uint8Array(16))) {
    const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength)
    const flags = view.getUint32(8, true)
    if ((flags & (IFF_UP | IFF_RUNNING)) !== (IFF_UP | IFF_RUNNING)) continue
    for (let at = 16; at + 4 <= answer.byteLength; ) {
      const length = view.getUint16(at, true)
      if (length < 4) break
      if (view.getUint16(at + 2, true) === IFLA_IFNAME)
        up.add(new TextDecoder().decode(answer.subarray(at + 4, at + length - 1)))
      at += (length + 3) & ~3
    }
  }
  return up
}
