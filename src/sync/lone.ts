import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * A process keeps its network namespace alive. A daemon must not be the reason that one stays which somebody removed, so it
 * asks whether it is alone in it: no other process is there but other daemons, and no file leads to it.
 */
export class Lone {
  readonly #own = readlinkSync('/proc/self/ns/net')
  /** Whether files led to it at the beginning. */
  readonly wasNamed = this.#isNamed()
  #shared: string | undefined

  isLone(): boolean {
    if (this.#isNamed()) return false
    if (this.#shared && this.#isShared(this.#shared)) return false
    this.#shared = readdirSync('/proc').find((name) => /^\d+$/.test(name) && this.#isShared(name))
    return this.#shared === undefined
  }

  /** Whether a file leads to it: `/run/netns/NAME` and the like. */
  #isNamed(): boolean {
    // the number in brackets is the namespace's inode
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    return mounts.split('\n').some((line) => line.includes(` ${this.#own} `) || line.includes(` /${this.#own} `))
  }

  #isShared(pid: string): boolean {
    try {
      if (Number(pid) === process.pid || readlinkSync(`/proc/${pid}/ns/net`) !== this.#own) return false
      return !readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('\0sync-daemon\0')
    } catch (error) {
      // of a process that just ended nothing is known any more. One that may not be looked at may be there, unless it was
      // by its name that others came here: then whoever took the name away wanted an end.
      return !this.wasNamed && !['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')
    }
  }
}
