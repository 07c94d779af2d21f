import type { Fd } from './bpf-object.js'
import { lastErrno } from './ffi.js'
import {
  bind,
  IPPROTO_IP,
  IPPROTO_IPV6,
  join,
  networkAddress,
  openSocket,
  option,
  sendToGroups,
  socketAddress,
} from './socket.js'
import { errnoName, KernelError, libc, Memory, throwErrno } from './syscall.js'

const IP_TOS = 1
const IP_TTL = 2
const IPV6_UNICAST_HOPS = 16
const IPV6_RECVHOPLIMIT = 51
const IPV6_HOPLIMIT = 52
const IPV6_TCLASS = 67
/** Control traffic of the network itself: RFC 2474's class selector 6. */
const INTERNETWORK_CONTROL = 0xc0

/** An IP protocol on one device. */
export interface RawPlace {
  readonly device: string
  /** IP protocol number. */
  readonly protocol: number
}

/** What came in by a raw socket. */
export interface RawPacket {
  /** After the IP header. It stands in the socket's buffer until the next is received. */
  readonly bytes: Uint8Array
  /** In network order, four or sixteen bytes. */
  readonly source: Uint8Array
  readonly destination?: Uint8Array
  /** TTL or hop limit. */
  readonly hops: number
}

/**
 * A raw socket that hears a protocol on a device: what is sent to the group, and to this machine.
 * @throws KernelError EPERM, ENODEV
 */
export function rawReceiver(place: RawPlace, group: string): Fd {
  return openSocket({ ...place, address: group, type: 'raw' }, (socket, ifindex, address) => {
    if (address.byteLength === 16) option(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
    join(socket, address, ifindex)
  })
}

/**
 * A raw socket that sends a protocol from an address through a device; the kernel writes the IP header. What it sends to
 * a group, this machine's own sockets do not hear.
 * @param source an address of this machine
 * @throws KernelError EPERM, ENODEV, EADDRNOTAVAIL
 */
export function rawSender(place: RawPlace, source: string, hops: number): Fd {
  return openSocket({ ...place, address: source, type: 'raw' }, (socket, ifindex, address) => {
    const v6 = address.byteLength === 16
    sendToGroups(socket, v6, ifindex, hops)
    option(socket, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_UNICAST_HOPS : IP_TTL, hops)
    option(socket, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, INTERNETWORK_CONTROL)
    bind(socket, socketAddress(address, 0, v6 ? ifindex : 0))
  })
}

/** Sends the bytes after the IP header. @throws KernelError ENETDOWN, ENOBUFS, … */
export function sendRaw(socket: Fd, destination: string, bytes: Uint8Array, ifindex: number): void {
  const address = socketAddress(networkAddress(destination), 0, ifindex)
  const data = Memory.of(bytes)
  const send = libc.function(
    'long sendto(int fd, void *data, size_t size, int flags, void *address, unsigned int length)',
  )
  if (send(socket, data.buffer, bytes.byteLength, 0, address.buffer, address.bytes.byteLength) < 0)
    throwErrno(`sendto(${destination})`)
}

const BUFFER = 2048
const CONTROL = 64
const NAME = 28
// struct msghdr of 64-bit machines
const MSGHDR = { name: 0, nameSize: 8, parts: 16, partCount: 24, control: 32, controlSize: 40, size: 56 } as const

/** Receives what waits in a raw socket's queue, one packet at a time, without waiting. */
export class RawReader {
  readonly #data = new Memory(BUFFER)
  readonly #name = new Memory(NAME)
  readonly #control = new Memory(CONTROL)
  readonly #part = new Memory(16)
  readonly #message = new Memory(MSGHDR.size)

  constructor(
    readonly socket: Fd,
    readonly family: 4 | 6,
  ) {
    this.#part.setPointer(0, this.#data)
    this.#part.setU64(8, BigInt(BUFFER))
    this.#message.setPointer(MSGHDR.name, this.#name)
    this.#message.setPointer(MSGHDR.parts, this.#part)
    this.#message.setU64(MSGHDR.partCount, 1n)
    this.#message.setPointer(MSGHDR.control, this.#control)
  }

  /** undefined: nothing waits. @throws KernelError ENETDOWN when the device went down: the socket goes on afterwards */
  next(): RawPacket | undefined {
    this.#message.setU32(MSGHDR.nameSize, NAME)
    this.#message.setU64(MSGHDR.controlSize, BigInt(CONTROL))
    const receive = libc.function('long recvmsg(int fd, void *message, int flags)')
    const size = receive(this.socket, this.#message.buffer, 0) as number
    if (size < 0) {
      const errno = lastErrno()
      if (['EAGAIN', 'EINTR'].includes(errnoName(errno))) return undefined
      throw new KernelError('recvmsg()', errno)
    }
    return this.family === 4 ? this.#packet4(size) : this.#packet6(size)
  }

  /** With its IP header, which the kernel has checked. */
  #packet4(size: number): RawPacket {
    const { bytes } = this.#data
    const header = ((bytes[0] as number) & 0xf) * 4
    return {
      bytes: bytes.subarray(header, size),
      source: bytes.slice(12, 16),
      destination: bytes.slice(16, 20),
      hops: bytes[8] as number,
    }
  }

  #packet6(size: number): RawPacket {
    return { bytes: this.#data.bytes.subarray(0, size), source: this.#name.bytes.slice(8, 24), hops: this.#hopLimit() }
  }

  /** From the one control message that was asked for: struct cmsghdr, then an int. */
  #hopLimit(): number {
    const { view } = this.#control
    const told = this.#message.u64(MSGHDR.controlSize) >= 20n
    if (!told || view.getInt32(8, true) !== IPPROTO_IPV6 || view.getInt32(12, true) !== IPV6_HOPLIMIT) return -1
    return view.getInt32(16, true)
  }
}
