import { isIPv6 } from 'node:net'
import type { Fd } from './bpf-object.js'
import { deviceNames } from './links.js'
import { closeFd, errnoNumber, KernelError, libc, Memory, throwErrno } from './syscall.js'

/** What sockets have in common: opening, options, addresses. For this folder's own use. */

export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOCK_RAW = 3
export const SOCK_CLOEXEC = 0x80000
export const SOCK_NONBLOCK = 0x800

export const SOL_SOCKET = 1
const SO_BINDTODEVICE = 25
const IPV6_V6ONLY = 26

export const IPPROTO_IP = 0
export const IP_MULTICAST_IF = 32
export const IP_MULTICAST_TTL = 33
export const IP_MULTICAST_LOOP = 34
export const IP_ADD_MEMBERSHIP = 35

export const IPPROTO_IPV6 = 41
export const IPV6_MULTICAST_IF = 17
export const IPV6_MULTICAST_HOPS = 18
export const IPV6_MULTICAST_LOOP = 19
export const IPV6_ADD_MEMBERSHIP = 20

/** Where a socket stands. */
export interface SocketPlace {
  /** A device's name: all comes and goes through it alone. */
  readonly device: string
  readonly address: string
  readonly type: 'datagram' | 'raw'
  /** IP protocol of a raw one. */
  readonly protocol?: number
}

/** socket(2) @throws KernelError */
export function newSocket(domain: number, type: number, protocol: number): Fd {
  const socket = libc.function('int socket(int domain, int type, int protocol)')(domain, type, protocol) as number
  if (socket < 0) throwErrno('socket()')
  return socket
}

/**
 * A socket that is bound to a device, not blocking. It is closed when `prepare` throws.
 * @param address any of its family
 * @throws KernelError ENODEV, EPERM, and what else the kernel refuses
 */
export function openSocket(
  { device, address: text, type, protocol = 0 }: SocketPlace,
  prepare: (socket: Fd, ifindex: number, address: Uint8Array) => void,
): Fd {
  const ifindex = deviceNames().find(({ name }) => name === device)?.ifindex
  if (ifindex === undefined) throw new KernelError(`device ${device}`, errnoNumber('ENODEV'))
  const address = networkAddress(text)
  const v6 = address.byteLength === 16
  const domain = v6 ? AF_INET6 : AF_INET
  const socket = newSocket(domain, (type === 'raw' ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol)
  try {
    if (v6 && type === 'datagram') option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1)
    optionBytes(socket, SOL_SOCKET, SO_BINDTODEVICE, Memory.string(device))
    prepare(socket, ifindex, address)
    return socket
  } catch (error) {
    closeFd(socket)
    throw error
  }
}

/** Sets an option that is an int. @throws KernelError */
export function option(socket: Fd, level: number, name: number, value: number): void {
  const memory = new Memory(4)
  memory.setU32(0, value)
  optionBytes(socket, level, name, memory)
}

/** @throws KernelError */
export function optionBytes(socket: Fd, level: number, name: number, value: Memory): void {
  const set = libc.function('int setsockopt(int fd, int level, int name, void *value, unsigned int size)')
  if (set(socket, level, name, value.buffer, value.bytes.byteLength) < 0) throwErrno(`setsockopt(${level}, ${name})`)
}

/** @throws KernelError */
export function bind(socket: Fd, address: Memory): void {
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
export function socketAddress(address: Uint8Array, port: number, ifindex: number): Memory {
  const v6 = address.byteLength === 16
  const memory = new Memory(v6 ? 28 : 16)
  memory.view.setUint16(0, v6 ? AF_INET6 : AF_INET, true)
  memory.view.setUint16(2, port)
  memory.bytes.set(address, v6 ? 8 : 4)
  if (v6) memory.setU32(24, ifindex)
  return memory
}

/** inet_pton(3) @throws KernelError EINVAL */
export function networkAddress(text: string): Uint8Array {
  const v6 = isIPv6(text)
  const memory = new Memory(v6 ? 16 : 4)
  const convert = libc.function('int inet_pton(int family, const char *text, void *address)')
  if (convert(v6 ? AF_INET6 : AF_INET, text, memory.buffer) !== 1)
    throw new KernelError(`address ${text}`, errnoNumber('EINVAL'))
  return memory.bytes
}

/** Hears a group on a device. @throws KernelError */
export function join(socket: Fd, group: Uint8Array, ifindex: number): void {
  if (group.byteLength === 4) {
    optionBytes(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership(group, ifindex))
    return
  }
  const request = new Memory(20)
  request.bytes.set(group)
  request.setU32(16, ifindex)
  optionBytes(socket, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request)
}

/** Sends to groups through a device, with this TTL; this machine's own listeners do not hear it. @throws KernelError */
export function sendToGroups(socket: Fd, v6: boolean, ifindex: number, hops: number): void {
  if (v6) {
    option(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, ifindex)
    option(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops)
    option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0)
  } else {
    optionBytes(socket, IPPROTO_IP, IP_MULTICAST_IF, membership(new Uint8Array(4), ifindex))
    option(socket, IPPROTO_IP, IP_MULTICAST_TTL, hops)
    option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0)
  }
}
