import { sendUnixDatagram } from '../kernel/index.js'

/** Tells systemd, where it started this process with Type=notify, how the daemon stands (sd_notify(3)). */
export class Systemd {
  readonly #socket: string | undefined
  #watchdog: NodeJS.Timeout | undefined

  /** @param environment of the process: NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID */
  constructor(readonly environment: NodeJS.ProcessEnv = process.env) {
    this.#socket = environment.NOTIFY_SOCKET || undefined
  }

  ready(status: string): void {
    this.#tell(`READY=1\nSTATUS=${status}`)
    // after a reload it is said again
    clearInterval(this.#watchdog)
    const { WATCHDOG_USEC, WATCHDOG_PID } = this.environment
    const every = Number(WATCHDOG_USEC ?? 0) / 1000 / 3
    if (this.#socket && every > 0 && (WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid))
      this.#watchdog = setInterval(() => this.#tell('WATCHDOG=1'), every)
  }

  status(text: string): void {
    this.#tell(`STATUS=${text}`)
  }

  reloading(): void {
    this.#tell(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
  }

  stopping(): void {
    clearInterval(this.#watchdog)
    this.#tell('STOPPING=1')
  }

  #tell(text: string): void {
    if (!this.#socket) return
    try {
      sendUnixDatagram(this.#socket, text)
    } catch {
      // nobody listens: it is no reason to stop balancing
    }
  }
}
