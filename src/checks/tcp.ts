import { type Check, type Outcome, ok } from './check.js'
import { dial } from './stream.js'

/** The server takes a connection. */
export const tcpCheck: Check = (target, limit) =>
  // the kind of which there are the most: two listeners and one promise
  new Promise<Outcome>((resolve, reject) => {
    const socket = dial(target)
    limit.whenOver(() => socket.destroy(new Error('too late')))
    socket.on('error', reject)
    socket.on('connect', () => {
      // a reset instead of an orderly end: the server's accept queue and our TIME_WAIT are spared
      socket.resetAndDestroy()
      resolve(ok('connected'))
    })
  })
