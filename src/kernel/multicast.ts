import type { Fd } from './bpf-object.js'
import {
  AF_INET,
  bind,
  IPPROTO_IP,
  IPPROTO_IPV6,
  join,
  newSocket,
  openSocket,
  option,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  sendToGroups,
  socketAddress,
} from './socket.js'
import { closeFd, libc, Memory, throwErrno } from './syscall.js'

const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const IP_MTU_DISCOVER = 10
const IPV6_MTU_DISCOVER = 23

/** Where a multicast socket stands. */
export interface MulticastPlace {
  /** A device's name: datagrams come and go through it alone. */
  readonly device: string
  /** An address of a group, IPv4 or IPv6. */
  readonly group: string
  readonly port: number
}

/**
 * A UDP socket that hears a group on one device. It may share the port with others on this machine.
 * @param receiveBuffer bytes; 0 leaves the system's size
 * @throws KernelError ENODEV, EADDRINUSE, and what else the kernel refuses
 */
export function multicastReceiver({ device, group, port }: MulticastPlace, receiveBuffer = 0): Fd {
  return openSocket({ device, address: group, type: 'datagram' }, (socket, ifindex, address) => {
    option(socket, SOL_SOCKET, SO_REUSEADDR, 1)
    if (receiveBuffer > 0) option(socket, SOL_SOCKET, SO_RCVBUF, receiveBuffer)
    // the group for an address: what is sent to this machine's own address is not for this socket
    bind(socket, socketAddress(address, port, ifindex))
    join(socket, address, ifindex)
  })
}

/**
 * A UDP socket that sends to groups through one device. This machine's own listeners do not hear
 * what it sends. Datagrams larger than the device's MTU are sent in fragments.
 * @param ttl hops that a datagram may take
 * @param sendBuffer bytes; 0 leaves the system's size
 * @throws KernelError ENODEV, and what else the kernel refuses
 */
export function multicastSender({ device, group }: MulticastPlace, ttl: number, sendBuffer = 0): Fd {
  return openSocket({ device, address: group, type: 'datagram' }, (socket, ifindex, address) => {
    if (sendBuffer > 0) option(socket, SOL_SOCKET, SO_SNDBUF, sendBuffer)
    const v6 = address.byteLength === 16
    sendToGroups(socket, v6, ifindex, ttl)
    if (v6) option(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, 0)
    else option(socket, IPPROTO_IP, IP_MTU_DISCOVER, 0)
    // any port: a socket that is bound to none is not taken for one by everybody
    bind(socket, socketAddress(new Uint8Array(address.byteLength), 0, 0))
  })
}

const SIOCGIFMTU = 0x8921

/** Bytes of a device's largest packet. @throws KernelError ENODEV */
export function deviceMtu(device: string): number {
  const socket = newSocket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  try {
    // struct ifreq: a name of 16 bytes, then a union
    const request = new Memory(40)
    request.bytes.set(new TextEncoder().encode(device).subarray(0, 15))
    const ioctl = libc.function('int ioctl(int fd, unsigned long request, void *argument)')
    if (ioctl(socket, SIOCGIFMTU, request.buffer) < 0) throwErrno(`ioctl(SIOCGIFMTU, ${device})`)
    return request.u32(16)
  } finally {
    closeFd(socket)
  }
}
