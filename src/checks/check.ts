/** What a health check is, apart from how each kind of it asks. */

/** Where a check goes. */
export interface Target {
  readonly address: string
  readonly port: number
  /** Where it comes from; default: as the routes say. */
  readonly source?: string
  /** The address is a virtual one: which server's answer is asked for, by the mark that leads there. */
  readonly through?: { readonly mark: number; readonly server: string }
}

/** What one attempt found. */
export interface Outcome {
  readonly ok: boolean
  /** One line for the operator: what was seen, or what was missing. */
  readonly reason: string
  /** A script's word on the server's weight, -254 to 253 beside what is configured. */
  readonly weight?: number
}

/**
 * One attempt. It ends by itself when the signal is aborted, which is when its time is over, and leaves nothing open.
 * It does not throw for a server that does not answer: that is an outcome.
 */
export type Check = (target: Target, signal: AbortSignal) => Promise<Outcome>

export const ok = (reason: string): Outcome => ({ ok: true, reason })
export const failed = (reason: string): Outcome => ({ ok: false, reason })

/** Runs an attempt with its time limit; whatever goes wrong in it becomes its outcome. @param timeout milliseconds */
export async function attempt(check: Check, target: Target, timeout: number): Promise<Outcome> {
  const signal = AbortSignal.timeout(timeout)
  try {
    return await check(target, signal)
  } catch (error) {
    if (signal.aborted) return failed(`no answer within ${timeout} ms`)
    return failed(explain(error))
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  const known: Record<string, string> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset',
    EHOSTUNREACH: 'host unreachable',
    ENETUNREACH: 'network unreachable',
    ETIMEDOUT: 'connection timed out',
  }
  return (code && known[code]) ?? error.message.split('\n')[0] ?? 'failed'
}
