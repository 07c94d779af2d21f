import { isIPv6 } from 'node:net'
import type { Fd } from './bpf-object.js'
import { deviceNames } from './links.js'
import { closeFd, errnoNumber, KernelError, libc, Memory, throwErrno } from './syscall.js'

const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0x80000
const SOCK_NONBLOCK = 0x800

const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_BINDTODEVICE = 25

const IPPROTO_IP = 0
const IP_MTU_DISCOVER = 10
const IP_MULTICAST_IF = 32
const IP_MULTICAST_TTL = 33
const IP_MULTICAST_LOOP = 34
const IP_ADD_MEMBERSHIP = 35

const IPPROTO_IPV6 = 41
const IPV6_MULTICAST_IF = 17
const IPV6_MULTICAST_HOPS = 18
const IPV6_MULTICAST_LOOP = 19
const IPV6_ADD_MEMBERSHIP = 20
const IPV6_MTU_DISCOVER = 23
const IPV6_V6ONLY = 26

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
  return opened(device, group, (socket, ifindex, address) => {
    option(socket, SOL_SOCKET, SO_REUSEADDR, 1)
    if (receiveBuffer > 0) option(socket, SOL_SOCKET, SO_RCVBUF, receiveBuffer)
    const v6 = address.byteLength === 16
    // the group for an address: what is sent to this machine's own address is not for this socket
    bind(socket, socketAddress(address, port, ifindex))
    if (v6) {
      const request = new Memory(20)
      request.bytes.set(address)
      request.setU32(16, ifindex)
      optionBytes(socket, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request)
    } else optionBytes(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership(address, ifindex))
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
  return opened(device, group, (socket, ifindex, address) => {
    if (sendBuffer > 0) option(socket, SOL_SOCKET, SO_SNDBUF, sendBuffer)
    if (address.byteLength === 16) {
      option(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, ifindex)
      option(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl)
      option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0)
      option(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, 0)
    } else {
      optionBytes(socket, IPPROTO_IP, IP_MULTICAST_IF, membership(new Uint8Array(4), ifindex))
      option(socket, IPPROTO_IP, IP_MULTICAST_TTL, ttl)
      option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0)
      option(socket, IPPROTO_IP, IP_MTU_DISCOVER, 0)
    }
    // any port: a socket that is bound to none is not taken for one by everybody
    bind(socket, socketAddress(new Uint8Array(address.byteLength), 0, 0))
  })
}

const SIOCGIFMTU = 0x8921

/** Bytes of a device's largest packet. @throws KernelError ENODEV */
export function deviceMtu(device: string): number {
  const socket = libc.function('int socket(int domain, int type, int protocol)')(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  if (socket < 0) throwErrno('socket()')
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

function opened(
  device: string,
  group: string,
  prepare: (socket: Fd, ifindex: number, address: Uint8Array) => void,
): Fd {
  const ifindex = deviceNames().find(({ name }) => name === device)?.ifindex
  if (ifindex === undefined) throw new KernelError(`device ${device}`, errnoNumber('ENODEV'))
  const address = networkAddress(group)
  const v6 = address.byteLength === 16
  const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK
  const socket = libc.function('int socket(int domain, int type, int protocol)')(v6 ? AF_INET6 : AF_INET, type, 0)
  if (socket < 0) throwErrno('socket()')
  try {
    if (v6) option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1)
    optionBytes(socket, SOL_SOCKET, SO_BINDTODEVICE, Memory.string(device))
    prepare(socket, ifindex, address)
    return socket
  } catch (error) {
    closeFd(socket)
    throw error
  }
}

function option(socket: Fd, level: number, name: number, value: number): void {
  const memory = new Memory(4)
  memory.setU32(0, value)
  optionBytes(socket, level, name, memory)
}

function optionBytes(socket: Fd, level: number, name: number, value: Memory): void {
  const set = libc.function('int setsockopt(int fd, int level, int name, void *value, unsigned int size)')
  if (set(socket, level, name, value.buffer, value.bytes.byteLength) < 0) throwErrno(`setsockopt(${level}, ${name})`)
}

function bind(socket: Fd, address: Memory): void {
  const run = libc.function('int bind(int fd, void *address, unsigned int size)')
  if (run(socket, address.buffer, address.bytes.byteLength) < 0) throwErrno('bind()')
}

/** struct ip_mreqn */
function membership(group: Uint8Array, ifindex: number): Memory {
  const request = new Memory(12)
  request.bytes.set(group)
  request.setU32(8, ifindex)
  return request
}

/** struct sockaddr_in, or sockaddr_in6 */
function socketAddress(address: Uint8Array, port: number, ifindex: number): Memory {
  const v6 = address.byteLength === 16
  const memory = new Memory(v6 ? 28 : 16)
  memory.view.setUint16(0, v6 ? AF_INET6 : AF_INET, true)
  memory.view.setUint16(2, port)
  memory.bytes.set(address, v6 ? 8 : 4)
  if (v6) memory.setU32(24, ifindex)
  return memory
}

/** inet_pton(3) */
function networkAddress(text: string): Uint8Array {
  const v6 = isIPv6(text)
  const memory = new Memory(v6 ? 16 : 4)
  const convert = libc.function('int inet_pton(int family, const char *text, void *address)')
  if (convert(v6 ? AF_INET6 : AF_INET, text, memory.buffer) !== 1)
    throw new KernelError(`address ${text}`, errnoNumber('EINVAL'))
  return memory.bytes
}
