// Listens on a datagram socket of the file system, as systemd does, and prints what comes.
import { writeSync } from 'node:fs'
import koffi from 'koffi'

const libc = koffi.load(null)
const AF_UNIX = 1
const SOCK_DGRAM = 2
const address = Buffer.alloc(110)
address.writeUInt16LE(AF_UNIX)
address.write(process.argv[2], 2)
const socket = libc.func('int socket(int, int, int)')(AF_UNIX, SOCK_DGRAM, 0)
if (libc.func('int bind(int, void *, unsigned int)')(socket, address, address.length) < 0) process.exit(1)
const receive = libc.func('long recv(int, void *, size_t, int)')
const data = Buffer.alloc(4096)
for (;;) {
  const size = receive(socket, data, data.length, 0)
  if (size < 0) process.exit(1)
  writeSync(1, `${data.toString('utf8', 0, size)}\n`)
}
