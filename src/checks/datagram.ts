import { createSocket } from 'node:dgram'
import { markedSocket } from '../kernel/index.js'
import type { Target } from './check.js'

/**
 * Sends a datagram and waits for one back from the same server that `wanted` accepts. A port that nobody listens on is
 * told by ICMP, and fails at once.
 */
export async function ask(
  { address, port, source, through }: Target,
  data: Uint8Array,
  signal: AbortSignal,
  wanted: (data: Buffer) => boolean = () => true,
): Promise<Buffer> {
  signal.throwIfAborted()
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      socket.on('error', reject)
      socket.on('message', (message) => {
        if (wanted(message)) resolve(message)
      })
      if (through)
        socket.bind({ fd: markedSocket({ type: 'datagram', mark: through.mark, towards: through.server, source }) })
      else if (source !== undefined) socket.bind({ address: source })
      // connected: only this server's datagrams and errors come
      socket.connect(port, address, () => socket.send(data))
    })
  } finally {
    socket.close()
  }
}
