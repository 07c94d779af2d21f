import { newSocket, SOCK_CLOEXEC, SOCK_DGRAM } from './socket.js'
import { closeFd, libc, Memory, throwErrno } from './syscall.js'

const AF_UNIX = 1
const MSG_NOSIGNAL = 0x4000

/**
 * Sends one datagram to a socket in the file system, or, with `@` at the front, in the abstract name space.
 * @throws KernelError ENOENT, ECONNREFUSED where nobody listens
 */
export function sendUnixDatagram(path: string, text: string): void {
  const data = Memory.of(new TextEncoder().encode(text))
  const name = new TextEncoder().encode(path)
  // struct sockaddr_un: an abstract name begins with a zero and has no end
  const abstract = path.startsWith('@')
  const address = new Memory(2 + name.byteLength + (abstract ? 0 : 1))
  address.view.setUint16(0, AF_UNIX, true)
  address.bytes.set(name, 2)
  if (abstract) address.bytes[2] = 0
  const socket = newSocket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)
  try {
    const send = libc.function(
      'long sendto(int fd, void *data, size_t size, int flags, void *address, unsigned int length)',
    )
    if (send(socket, data.buffer, data.bytes.byteLength, MSG_NOSIGNAL, address.buffer, address.bytes.byteLength) < 0)
      throwErrno(`sendto(${path})`)
  } finally {
    closeFd(socket)
  }
}
