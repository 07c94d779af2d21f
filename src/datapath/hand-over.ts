import { SluiceError } from '../errors.js'
import { type Fd, mapMmap, monotonicNs, munmap, waitForPrograms } from '../kernel/index.js'
import { TurnRecord } from './layouts.js'

/** How long the kernel keeps to what was asked of it when nobody asks again, ns: whoever asked may have died. */
const HOLD = 2_000_000_000n

/**
 * Makes a generation of the program wait, and puts the next one in force: bpf/turn.h. What it says ends by itself
 * shortly after this process.
 */
export class HandOver {
  readonly #memory: ArrayBuffer
  readonly #turn: TurnRecord
  readonly #since = monotonicNs()
  #until = 0n
  committed = false
  heldMs = 0

  /** @param held `enum sluice_hold`; returns when nothing of it runs any more */
  constructor(turnFd: Fd, held: number) {
    this.#memory = mapMmap(turnFd, TurnRecord.SIZE)
    this.#turn = new TurnRecord(new DataView(this.#memory), 0)
    this.#until = monotonicNs() + HOLD
    this.#turn.until = this.#until
    this.#turn.held = held
    waitForPrograms()
  }

  /**
   * Asks for more time; to be called often.
   * @throws SluiceError SLUICE_NO_UPGRADE when this process stood still for so long that packets went on meanwhile
   */
  prolong(): void {
    const now = monotonicNs()
    if (now >= this.#until)
      throw new SluiceError('SLUICE_NO_UPGRADE', {
        path: 'this table',
        reason: 'this machine was too busy to copy it while its packets waited',
      })
    // half of it is left: writing it each time would cost more than it brings
    if (this.#until - now > HOLD / 2n) return
    this.#until = now + HOLD
    this.#turn.until = this.#until
  }

  /** Puts a generation in force, in one store, and lets everything go on. */
  commit(generation: number): void {
    this.prolong()
    // generation and held are one word
    Atomics.store(new BigInt64Array(this.#memory, 0, 1), 0, BigInt(generation))
    this.committed = true
    this.heldMs = Number((monotonicNs() - this.#since) / 1_000_000n)
  }

  /** Lets everything go on as before. */
  end(): void {
    this.#turn.held = 0
  }

  close(): void {
    munmap(this.#memory)
  }
}
