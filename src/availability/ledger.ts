import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { SluiceError } from '../errors.js'
import { type Lock, lock } from '../kernel/index.js'
import { Book } from './book.js'
import { type Clock, systemClock } from './clock.js'
import type { State } from './history.js'
import type { AvailabilityReport, Subject } from './report.js'
import { parseTarget } from './target.js'

/** Where a record is unless another place is named. */
export const defaultAvailabilityPath = '/var/lib/sluice/availability'

/** What happened to a service or server. */
export interface AvailabilityEvent extends Subject {
  /** undefined: it is there no more. `planned`: drained, or taken out by hand. `unseen`: not checked (yet). */
  readonly state: State | undefined
}

export interface LedgerOptions {
  readonly clock?: Clock
  /** Milliseconds between signs of life; 0: only those of {@link AvailabilityLedger.tick}. Default 60,000. */
  readonly beat?: number
  /** Bytes that are appended before the record is made short again. Default 1 MiB. */
  readonly room?: number
  /** Is told what cannot be written. The accounting goes on in memory, and is on disk again when there is room. */
  readonly failed?: (error: Error) => void
}

/**
 * The record of who was up and when, on disk: lines that are appended, each with a checksum, one system call an event. What
 * was written survives the process however it ends; a sign of life once a minute tells how long it looked.
 */
export class AvailabilityLedger {
  readonly #clock: Clock
  readonly #options: LedgerOptions
  readonly #lock: Lock
  readonly #book: Book
  readonly #timer: NodeJS.Timeout | undefined
  #file: number
  #appended = 0
  #torn: boolean

  /**
   * Opens a record, or begins one: what is in it is unseen from its last line until now.
   *
   * @throws SluiceError SLUICE_RECORD_BUSY where another process keeps it, SLUICE_NO_WRITE
   */
  static open(path: string = defaultAvailabilityPath, options: LedgerOptions = {}): AvailabilityLedger {
    return new AvailabilityLedger(path, options)
  }

  private constructor(
    readonly path: string,
    options: LedgerOptions,
  ) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#lock = hold(path)
    try {
      const text = readRecord(path) ?? ''
      this.#torn = text !== '' && !text.endsWith('\n')
      this.#book = Book.of(text)
      this.#file = openSync(path, 'a', 0o644)
    } catch (error) {
      this.#lock.release()
      throw unwritable(path, error)
    }
    this.#append(this.#book.open(this.#clock()))
    const { beat = 60_000 } = options
    if (beat > 0) this.#timer = setInterval(() => this.tick(), beat).unref()
  }

  /** Writes down what happened, at this moment; what is so already is not written again. */
  record({ service, server, state }: AvailabilityEvent): void {
    const subject = server === undefined ? { service } : { service, server }
    const line = this.#book.enter(subject, state, this.#clock())
    if (line) this.#append(line)
  }

  /** A sign of life. */
  tick(): void {
    this.#append(this.#book.tick(this.#clock()))
  }

  /** @param target percent. @throws RangeError for what is none */
  report(target = '99.9'): AvailabilityReport {
    return this.#book.report(this.#clock, parseTarget(target), true)
  }

  #append(line: string): void {
    // a line that was cut short, by a full disk or by a crash, must not spoil the next one
    const text = this.#torn ? `\n${line}` : line
    try {
      this.#torn = writeSync(this.#file, text) < Buffer.byteLength(text)
      this.#appended += text.length
    } catch (error) {
      this.#torn = true
      this.#options.failed?.(error as Error)
    }
    if (this.#appended > (this.#options.room ?? 1 << 20)) this.compact()
  }

  /** Makes the record as short as it can be. At any moment there is a whole one under its name. */
  compact(): void {
    const beside = `${this.path}.new`
    try {
      const file = openSync(beside, 'w', 0o644)
      try {
        writeAll(file, this.#book.snapshot(this.#clock()))
        fsyncSync(file)
        renameSync(beside, this.path)
      } catch (error) {
        closeSync(file)
        throw error
      }
      closeSync(this.#file)
      this.#file = file
      this.#torn = false
    } catch (error) {
      this.#options.failed?.(error as Error)
    }
    // also where it failed: not again at every line
    this.#appended = 0
  }

  /** Says that it looked until now, and closes the file. */
  close(): void {
    clearInterval(this.#timer)
    this.tick()
    closeSync(this.#file)
    this.#lock.release()
  }
}

/**
 * What a record says, for whoever does not keep it. @returns undefined where there is none
 * @throws SluiceError SLUICE_NO_FILE
 * @throws RangeError for a target that is none
 */
export function readAvailability(
  path: string = defaultAvailabilityPath,
  target = '99.9',
  clock: Clock = systemClock,
): AvailabilityReport | undefined {
  const wanted = parseTarget(target)
  const text = readRecord(path)
  return text === undefined ? undefined : Book.of(text).report(clock, wanted, false)
}

function readRecord(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new SluiceError('SLUICE_NO_FILE', { path, reason: (error as Error).message }, { cause: error })
  }
}

/** The lock has a file of its own: the record's is replaced from time to time. */
function hold(path: string): Lock {
  try {
    mkdirSync(dirname(path), { recursive: true })
    closeSync(openSync(`${path}.lock`, 'a', 0o644))
    return lock(`${path}.lock`, 'exclusive', { timeoutMs: 0 })
  } catch (error) {
    if (SluiceError.is(error) && error.code === 'SLUICE_LOCKED') throw new SluiceError('SLUICE_RECORD_BUSY', { path })
    throw unwritable(path, error)
  }
}

function unwritable(path: string, error: unknown): unknown {
  if (SluiceError.is(error)) return error
  return new SluiceError('SLUICE_NO_WRITE', { path, reason: (error as Error).message }, { cause: error })
}

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}
