import { type Check, failed, ok } from './check.js'
import { ask } from './datagram.js'

export interface UdpCheckOptions {
  /** What is sent; default: an empty datagram. */
  readonly payload?: Uint8Array
  /** Default false: the server is taken for alive unless its host says that nobody listens. */
  readonly requireReply?: boolean
  /** Bytes that a reply must have at least, and at most. */
  readonly minReply?: number
  readonly maxReply?: number
  /** What must be found in the reply. */
  readonly reply?: RegExp
}

/** Milliseconds in which a host says that nobody listens, where no reply is asked for. */
const REFUSAL = 200

export function udpCheck(options: UdpCheckOptions = {}): Check {
  return async (target, { signal }) => {
    const payload = options.payload ?? new Uint8Array()
    if (!options.requireReply) return silent(target, payload, signal)
    const reply = await ask(target, payload, signal)
    const { minReply = 0, maxReply = 65_535 } = options
    if (reply.byteLength < minReply || reply.byteLength > maxReply)
      return failed(`a reply of ${reply.byteLength} bytes`)
    if (options.reply && !options.reply.test(reply.toString('latin1')))
      return failed(`the reply lacks ${options.reply}`)
    return ok(`a reply of ${reply.byteLength} bytes`)
  }
}

async function silent(target: Parameters<Check>[0], payload: Uint8Array, signal: AbortSignal) {
  const quiet = AbortSignal.timeout(REFUSAL)
  try {
    const reply = await ask(target, payload, AbortSignal.any([signal, quiet]))
    return ok(`a reply of ${reply.byteLength} bytes`)
  } catch (error) {
    if (quiet.aborted && !signal.aborted) return ok('not refused')
    throw error
  }
}
