import type { Fd } from './bpf-object.js'
import { newSocket, SOCK_CLOEXEC, SOCK_RAW } from './socket.js'
import { libc, Memory, throwErrno } from './syscall.js'

const AF_PACKET = 17
/** struct sockaddr_ll */
const ADDRESS = 20

/** A socket that sends whole frames and hears none. @throws KernelError EPERM */
export function packetSender(): Fd {
  return newSocket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)
}

/** Sends a frame, from its destination's link address on, by a device. @throws KernelError ENETDOWN, ENXIO, … */
export function sendFrame(socket: Fd, ifindex: number, frame: Uint8Array): void {
  const address = new Memory(ADDRESS)
  address.view.setUint16(0, AF_PACKET, true)
  address.view.setInt32(4, ifindex, true)
  const data = Memory.of(frame)
  const send = libc.function(
    'long sendto(int fd, void *data, size_t size, int flags, void *address, unsigned int length)',
  )
  if (send(socket, data.buffer, frame.byteLength, 0, address.buffer, ADDRESS) < 0) throwErrno(`sendto(${ifindex})`)
}
