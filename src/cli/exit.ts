import { constants } from 'node:os'

/** Ends the command with a status, everything having been said already. */
export class ExitStatus extends Error {
  override readonly name = 'ExitStatus'

  constructor(readonly status: number) {
    super(`exit status ${status}`)
  }
}

/** The user or the system ends the command; the status is the one that a shell gives. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly status: number

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`)
    this.status = 128 + constants.signals[signal]
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs work that cleans up after itself when its signal is aborted; SIGINT, SIGTERM and SIGHUP abort it. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  // stays for the whole of the work: a second Ctrl-C must not stop the cleaning up
  const interrupt = (name: NodeJS.Signals) => controller.abort(new Interrupted(name))
  for (const name of signals) process.on(name, interrupt)
  try {
    return await work(controller.signal)
  } finally {
    for (const name of signals) process.off(name, interrupt)
  }
}
