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

/** The time that an attempt has. Thousands begin every second, so it costs what is asked of it, and no more. */
export class Limit {
  readonly #timer: NodeJS.Timeout
  #over = false
  #work: (() => void) | undefined
  #controller: AbortController | undefined

  /** @param milliseconds from now on */
  constructor(milliseconds: number) {
    this.#timer = setTimeout(() => {
      this.#over = true
      this.#work?.()
      this.#controller?.abort()
    }, milliseconds)
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Is aborted when the time is over. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#over) this.#controller.abort()
    }
    return this.#controller.signal
  }

  /** Has one thing done when the time is over. */
  whenOver(work: () => void): void {
    this.#work = work
  }

  /** The attempt has ended before. */
  end(): void {
    clearTimeout(this.#timer)
  }
}

/**
 * One attempt. It ends by itself when its time is over, and leaves nothing open. It does not throw for a server that does
 * not answer: that is an outcome.
 */
export type Check = (target: Target, limit: Limit) => Promise<Outcome>

export const ok = (reason: string): Outcome => ({ ok: true, reason })
export const failed = (reason: string): Outcome => ({ ok: false, reason })

/** Runs an attempt with its time limit; whatever goes wrong in it becomes its outcome. @param timeout milliseconds */
export async function attempt(check: Check, target: Target, timeout: number): Promise<Outcome> {
  const limit = new Limit(timeout)
  try {
    return await check(target, limit)
  } catch (error) {
    if (limit.isOver) return failed(`no answer within ${timeout} ms`)
    return failed(explain(error))
  } finally {
    limit.end()
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
