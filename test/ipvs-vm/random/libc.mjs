// Sockets as the C library has them. One process opens them in any namespace and asks them in turn: no process a host, no
// waiting for an event loop, and the order of what happens is the order in which it is written.
import { closeSync, openSync } from 'node:fs'
import koffi from 'koffi'

const c = koffi.load(null)
const CLONE_NEWNET = 0x40000000
const calls = {
  setns: c.func('int setns(int, int)'),
  socket: c.func('int socket(int, int, int)'),
  bind: c.func('int bind(int, void *, int)'),
  listen: c.func('int listen(int, int)'),
  accept: c.func('int accept4(int, void *, void *, int)'),
  connect: c.func('int connect(int, void *, int)'),
  setsockopt: c.func('int setsockopt(int, int, int, void *, int)'),
  getsockopt: c.func('int getsockopt(int, int, int, void *, void *)'),
  send: c.func('long send(int, void *, long, int)'),
  sendto: c.func('long sendto(int, void *, long, int, void *, int)'),
  recvfrom: c.func('long recvfrom(int, void *, long, int, void *, void *)'),
  shutdown: c.func('int shutdown(int, int)'),
  close: c.func('int close(int)'),
  poll: c.func('int poll(void *, long, int)'),
}

const [AF_INET, AF_INET6] = [2, 10]
const [SOCK_STREAM, SOCK_DGRAM, SOCK_NONBLOCK] = [1, 2, 0o4000]
const [SOL_SOCKET, SO_REUSEADDR, SO_ERROR, SO_LINGER] = [1, 2, 4, 13]
const [IPPROTO_IPV6, IPV6_V6ONLY] = [41, 26]
const MSG_NOSIGNAL = 0x4000
const [POLLIN, POLLOUT] = [1, 4]
const protocols = { tcp: [SOCK_STREAM, 6], udp: [SOCK_DGRAM, 17], sctp: [SOCK_STREAM, 132] }
const names = {
  11: 'EAGAIN',
  101: 'ENETUNREACH',
  104: 'ECONNRESET',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  113: 'EHOSTUNREACH',
}

const errorName = (errno) => names[errno] ?? `errno ${errno}`

function must(what, result) {
  if (result >= 0) return result
  throw new Error(`${what}: ${errorName(koffi.errno())}`)
}

const word = (value) => {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32LE(value)
  return buffer
}

/** The sixteen bytes of an IPv6 address. */
function bytes6(text) {
  const [head = '', tail] = text.split('::')
  const groups = (part) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [a, b] = [groups(head), groups(tail ?? '')]
  const all = tail === undefined ? a : [...a, ...Array(8 - a.length - b.length).fill(0), ...b]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]))
}

function sockaddr(address, port) {
  const six = address.includes(':')
  const buffer = Buffer.alloc(six ? 28 : 16)
  buffer.writeUInt16LE(six ? AF_INET6 : AF_INET, 0)
  buffer.writeUInt16BE(port, 2)
  if (six) bytes6(address).copy(buffer, 8)
  else Buffer.from(address.split('.').map(Number)).copy(buffer, 4)
  return buffer
}

/** Runs a synchronous function with this thread in the namespace of a name. */
export function within(namespace, work) {
  const home = openSync('/proc/thread-self/ns/net', 'r')
  const there = openSync(`/run/netns/${namespace}`, 'r')
  try {
    must('setns', calls.setns(there, CLONE_NEWNET))
    try {
      return work()
    } finally {
      must('setns', calls.setns(home, CLONE_NEWNET))
    }
  } finally {
    closeSync(there)
    closeSync(home)
  }
}

function option(fd, level, name, value) {
  must('setsockopt', calls.setsockopt(fd, level, name, value, value.length))
}

/** The error that a socket waits to tell, or 'open'. */
function pendingError(fd) {
  const value = word(0)
  must('getsockopt', calls.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, word(4)))
  const errno = value.readInt32LE()
  return errno === 0 ? 'open' : errorName(errno)
}

/** A socket; every call returns at once, or after the milliseconds that it is given. */
export class Socket {
  /** @param {string} namespace @param {'tcp' | 'udp' | 'sctp'} protocol @param {string} address its own @param {number} port */
  constructor(namespace, protocol, address, port) {
    const six = address.includes(':')
    const [type, number] = protocols[protocol]
    this.protocol = protocol
    this.fd = within(namespace, () =>
      must('socket', calls.socket(six ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK, number)),
    )
    option(this.fd, SOL_SOCKET, SO_REUSEADDR, word(1))
    if (six) option(this.fd, IPPROTO_IPV6, IPV6_V6ONLY, word(1))
    const own = sockaddr(address, port)
    if (calls.bind(this.fd, own, own.length) < 0) {
      const text = errorName(koffi.errno())
      this.close()
      throw new Error(`bind ${address} ${port}: ${text}`)
    }
  }

  listen() {
    must('listen', calls.listen(this.fd, 64))
    return this
  }

  /** @returns 'open', 'timeout' or the error's name */
  connect(address, port, milliseconds) {
    const there = sockaddr(address, port)
    if (calls.connect(this.fd, there, there.length) >= 0) return 'open'
    const errno = koffi.errno()
    if (errno !== 115) return errorName(errno)
    return poll([this], milliseconds, POLLOUT).length === 0 ? 'timeout' : pendingError(this.fd)
  }

  /** The next connection of a listening socket, or undefined. */
  accept() {
    const fd = calls.accept(this.fd, null, null, SOCK_NONBLOCK)
    if (fd < 0) return undefined
    return Object.assign(Object.create(Socket.prototype), { fd, protocol: this.protocol })
  }

  /** @returns undefined, or the error's name */
  send(text) {
    const data = Buffer.from(text)
    return calls.send(this.fd, data, data.length, MSG_NOSIGNAL) < 0 ? errorName(koffi.errno()) : undefined
  }

  /** Sends as much of some data as goes now; how many bytes that is. */
  push(data) {
    const sent = Number(calls.send(this.fd, data, data.length, MSG_NOSIGNAL))
    return sent < 0 ? 0 : sent
  }

  /** Answers whom `receive` told of. */
  sendTo(text, from) {
    const data = Buffer.from(text)
    must('sendto', calls.sendto(this.fd, data, data.length, 0, from, from.length))
  }

  /** What has come: `{ text, from }`, an empty text at the end, or `{ error }`. */
  receive() {
    const data = Buffer.alloc(2048)
    const from = Buffer.alloc(28)
    const length = word(from.length)
    const count = calls.recvfrom(this.fd, data, data.length, 0, from, length)
    if (count < 0) return { error: errorName(koffi.errno()) }
    return { text: data.toString('latin1', 0, Number(count)), from: from.subarray(0, length.readInt32LE()) }
  }

  /** No more from this side; the other may go on. */
  finish() {
    calls.shutdown(this.fd, 1)
  }

  /** Closes with a reset in place of an end. */
  reset() {
    const linger = Buffer.alloc(8)
    linger.writeInt32LE(1, 0)
    option(this.fd, SOL_SOCKET, SO_LINGER, linger)
    this.close()
  }

  close() {
    if (this.fd >= 0) calls.close(this.fd)
    this.fd = -1
  }
}

/** Those of some sockets that have something to tell. @param {Socket[]} sockets @param {number} milliseconds */
export function poll(sockets, milliseconds, events = POLLIN) {
  const set = Buffer.alloc(8 * sockets.length)
  sockets.forEach(({ fd }, i) => {
    set.writeInt32LE(fd, 8 * i)
    set.writeInt16LE(events, 8 * i + 4)
  })
  if (calls.poll(set, sockets.length, milliseconds) <= 0) return []
  return sockets.filter((_, i) => set.readInt16LE(8 * i + 6) !== 0)
}
