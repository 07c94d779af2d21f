import { lastErrno } from './ffi.js'
import { newSocket, SOCK_CLOEXEC, SOCK_RAW } from './socket.js'
import { closeFd, errnoName, KernelError, libc, Memory, throwErrno } from './syscall.js'

const AF_NETLINK = 16
const NETLINK_ROUTE = 0
const NETLINK_GENERIC = 16
const NLM_F_REQUEST_DUMP = 0x1 | 0x300
const NLM_F_REQUEST_ACK = 0x1 | 0x4
const NLM_F_REQUEST = 0x1
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const HEADER = 16

/** A socket of netlink, closed when `work` is over. */
function withSocket<T>(protocol: number, work: (socket: number) => T): T {
  const socket = newSocket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)
  try {
    return work(socket)
  } finally {
    closeFd(socket)
  }
}

function sendRequest(call: string, socket: number, type: number, flags: number, body: Uint8Array): void {
  const request = new Memory(HEADER + body.byteLength)
  request.setU32(0, request.bytes.byteLength)
  request.view.setUint16(4, type, true)
  request.view.setUint16(6, flags, true)
  request.bytes.set(body, HEADER)
  const send = libc.function('long send(int fd, void *data, size_t size, int flags)')
  if (send(socket, request.buffer, request.bytes.byteLength, 0) < 0) throwErrno(call)
}

/** Every answer in turn, with its type, until `take` returns true. */
function receiveAnswers(call: string, socket: number, take: (kind: number, answer: Uint8Array) => boolean): void {
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
      }
      if (take(kind, buffer.bytes.slice(at + HEADER, at + length))) return
      at += (length + 3) & ~3
    }
  }
}

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
  return withSocket(NETLINK_ROUTE, (socket) => {
    sendRequest(call, socket, type, NLM_F_REQUEST_DUMP, body)
    const answers: Uint8Array[] = []
    receiveAnswers(call, socket, (kind, answer) => {
      if (kind === NLMSG_DONE || kind === NLMSG_ERROR) return true
      answers.push(answer)
      return false
    })
    return answers
  })
}

/**
 * Has rtnetlink change something, and waits for its word.
 *
 * @param type request, such as RTM_NEWADDR.
 * @param flags beside NLM_F_REQUEST and NLM_F_ACK.
 * @throws KernelError with the errno that the kernel answers
 */
export function routeChange(type: number, flags: number, body: Uint8Array): void {
  const call = `rtnetlink change ${type}`
  withSocket(NETLINK_ROUTE, (socket) => {
    sendRequest(call, socket, type, NLM_F_REQUEST_ACK | flags, body)
    receiveAnswers(call, socket, (kind) => kind === NLMSG_ERROR)
  })
}

/** Bytes of struct genlmsghdr. */
const GENERIC_HEADER = 4
/** The family that knows the others: a family's number by its name. */
const CONTROL = { family: 0x10, getFamily: 3, attrId: 1, attrName: 2 } as const

/**
 * Asks rtnetlink for one thing.
 *
 * @param header bytes of the family's header, which the answer begins with.
 * @returns the answer's attributes.
 * @throws KernelError
 */
export function routeRequest(type: number, body: Uint8Array, header: number): Map<number, Uint8Array> {
  return ask(NETLINK_ROUTE, `rtnetlink request ${type}`, type, body, header)
}

/**
 * Asks a family of generic netlink for one thing.
 *
 * @param body attributes.
 * @returns the answer's attributes by their numbers.
 * @throws KernelError ENOENT for a family that this kernel does not have
 */
export function genericRequest(family: string, command: number, body: Uint8Array): Map<number, Uint8Array> {
  const name = new TextEncoder().encode(`${family}\0`)
  const about = new Memory(GENERIC_HEADER + 4 + ((name.byteLength + 3) & ~3))
  about.bytes[0] = CONTROL.getFamily
  about.bytes[1] = 1
  about.view.setUint16(GENERIC_HEADER, 4 + name.byteLength, true)
  about.view.setUint16(GENERIC_HEADER + 2, CONTROL.attrName, true)
  about.bytes.set(name, GENERIC_HEADER + 4)
  const found = ask(NETLINK_GENERIC, `family ${family}`, CONTROL.family, about.bytes, GENERIC_HEADER).get(
    CONTROL.attrId,
  )
  if (!found) throw new Error(`generic netlink names no family ${family}`)
  const request = new Memory(GENERIC_HEADER + body.byteLength)
  request.bytes[0] = command
  request.bytes[1] = 1
  request.bytes.set(body, GENERIC_HEADER)
  const number = new DataView(found.buffer, found.byteOffset).getUint16(0, true)
  return ask(NETLINK_GENERIC, `${family} command ${command}`, number, request.bytes, GENERIC_HEADER)
}

function ask(protocol: number, call: string, type: number, body: Uint8Array, header: number): Map<number, Uint8Array> {
  return withSocket(protocol, (socket) => {
    sendRequest(call, socket, type, NLM_F_REQUEST, body)
    let answer: Uint8Array = new Uint8Array()
    receiveAnswers(call, socket, (_, message) => {
      answer = message
      return true
    })
    return attributes(answer.subarray(header))
  })
}

/** struct nlattr, one after the other. */
function attributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 4 <= bytes.byteLength; ) {
    const length = view.getUint16(at, true)
    if (length < 4) break
    // the two upper bits say how the content is written
    found.set(view.getUint16(at + 2, true) & 0x3fff, bytes.slice(at + 4, at + length))
    at += (length + 3) & ~3
  }
  return found
}
