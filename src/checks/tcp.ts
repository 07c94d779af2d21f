import { type Check, ok } from './check.js'
import { open } from './stream.js'

/** The server takes a connection. */
export const tcpCheck: Check = async (target, signal) => {
  const socket = await open(target, signal)
  // a reset instead of an orderly end: the server's accept queue and our TIME_WAIT are spared
  socket.resetAndDestroy()
  return ok('connected')
}
