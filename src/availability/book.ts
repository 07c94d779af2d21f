import { type Clock, elapsed, type Reading } from './clock.js'
import { History, type HistoryRecord, type State, type Stretch } from './history.js'
import { readLine, writeLine } from './line.js'
import { type AvailabilityReport, figures, type Subject } from './report.js'
import type { Target } from './target.js'

/**
 * Times of the ledger: milliseconds that have passed, by the monotonic clock, counted on from the wall clock's word when
 * the record began. A wall clock that is set moves none of them; they are shown by counting back from the wall clock's now.
 */
interface Moment extends Reading {
  readonly t: number
}

/** Lines of the record, beside their moment. */
type Line = Moment &
  (
    | { readonly e: 'open' | 'tick' }
    | { readonly e: 'state'; readonly s: readonly string[]; readonly to: State | null }
    /** After a compaction: how things stand, then one line a subject. */
    | { readonly e: 'snapshot'; readonly began: number; readonly damaged: number }
    | { readonly e: 'past'; readonly s: readonly string[]; readonly h: PackedHistory }
  )

type PackedHistory = Omit<HistoryRecord, 'past'> & { readonly past: readonly (readonly number[])[] }

/** A daemon that has not written for so long is gone. Milliseconds. */
export const SILENCE = 180_000

/** What the record says, in memory: lines are played into it one after the other. */
export class Book {
  readonly #histories = new Map<string, { readonly subject: Subject; readonly history: History }>()
  #latest: Moment | undefined
  #began: number | undefined
  #damaged = 0

  /** @param text of a record; what is damaged is counted and left out */
  static of(text: string): Book {
    const book = new Book()
    const lines = text.split('\n')
    for (const line of lines) if (line !== '') book.#play(line)
    return book
  }

  get damaged(): number {
    return this.#damaged
  }

  #play(text: string): void {
    const line = understand(text)
    if (!line) {
      this.#damaged += 1
      return
    }
    if (line.e === 'open') this.#lookAway()
    this.#latest = line
    this.#began ??= line.t
    if (line.e === 'state') this.#enter(subjectOf(line.s), line.to ?? undefined, line.t)
    if (line.e === 'past') this.#entry(subjectOf(line.s), new History(unpack(line.h)))
    if (line.e === 'snapshot') {
      this.#began = line.began
      this.#damaged += line.damaged
    }
  }

  /** From the last line on nobody looked. */
  #lookAway(): void {
    const at = this.#latest?.t
    if (at === undefined) return
    for (const { history } of this.#histories.values()) if (history.now) history.enter('unseen', at)
  }

  #entry(subject: Subject, history = new History()): History {
    const key = JSON.stringify([subject.service, subject.server])
    const entry = this.#histories.get(key) ?? { subject, history }
    this.#histories.set(key, entry)
    return entry.history
  }

  #enter(subject: Subject, state: State | undefined, at: number): boolean {
    return this.#entry(subject).enter(state, at)
  }

  /** The moment of a reading: as much later than the last one as the clocks tell. */
  #moment(reading: Reading): Moment {
    return { ...reading, t: this.#latest ? this.#latest.t + elapsed(this.#latest, reading) : reading.wall }
  }

  /** @returns the lines that say so, to be appended */
  open(reading: Reading): string {
    const moment = this.#moment(reading)
    this.#lookAway()
    this.#latest = moment
    this.#began ??= moment.t
    return writeLine({ e: 'open', ...moment })
  }

  tick(reading: Reading): string {
    this.#latest = this.#moment(reading)
    return writeLine({ e: 'tick', ...this.#latest })
  }

  /** @returns undefined where it says nothing new */
  enter(subject: Subject, state: State | undefined, reading: Reading): string | undefined {
    const moment = this.#moment(reading)
    if (!this.#enter(subject, state, moment.t)) return undefined
    this.#latest = moment
    return writeLine({ e: 'state', s: wordsOf(subject), to: state ?? null, ...moment })
  }

  /** The whole record in as few lines as can be. */
  snapshot(reading: Reading): string {
    const moment = this.#moment(reading)
    this.#latest = moment
    for (const [key, { history }] of this.#histories) if (!history.forget(moment.t)) this.#histories.delete(key)
    const head = writeLine({ e: 'snapshot', began: this.#began ?? moment.t, damaged: this.#damaged, ...moment })
    const rest = [...this.#histories.values()].map(({ subject, history }) =>
      writeLine({ e: 'past', s: wordsOf(subject), h: pack(history.record), ...moment }),
    )
    return head + rest.join('')
  }

  /** @param kept is it this process that keeps the record? Otherwise its silence tells whether any does. */
  report(clock: Clock, target: Target, kept: boolean): AvailabilityReport {
    const reading = clock()
    const moment = this.#moment(reading)
    const live = kept || (this.#latest !== undefined && moment.t - this.#latest.t <= SILENCE)
    const wallOf = (t: number) => reading.wall - (moment.t - t)
    const subjects = [...this.#histories.values()].flatMap(({ subject, history }) => {
      const shown = live ? history : unseenSince(history, this.#latest?.t ?? moment.t)
      if (!shown.now) return []
      const { state, since } = shown.now
      const of = figures(shown, moment.t, reading.wall, target)
      return [{ ...subject, state, since: wallOf(since), windows: of }]
    })
    return { at: reading.wall, from: wallOf(this.#began ?? moment.t), live, damaged: this.#damaged, subjects }
  }
}

function unseenSince(history: History, at: number): History {
  const copy = new History(history.record)
  if (copy.now) copy.enter('unseen', at)
  return copy
}

const wordsOf = ({ service, server }: Subject) => (server === undefined ? [service] : [service, server])

const subjectOf = ([service = '', server]: readonly string[]): Subject => ({
  service,
  ...(server === undefined ? {} : { server }),
})

function understand(text: string): Line | undefined {
  const line = readLine(text) as Partial<Line> | null | undefined
  return typeof line?.t === 'number' ? (line as Line) : undefined
}

const pack = ({ past, ...rest }: HistoryRecord): PackedHistory => ({
  ...rest,
  past: past.map(({ from, to, up, down, planned, unseen, failures }) => [
    from,
    to,
    up,
    down,
    planned,
    unseen,
    failures,
  ]),
})

const unpack = ({ past, ...rest }: PackedHistory): HistoryRecord => ({
  ...rest,
  past: past.map(
    ([from = 0, to = 0, up = 0, down = 0, planned = 0, unseen = 0, failures = 0]): Stretch => ({
      from,
      to,
      up,
      down,
      planned,
      unseen,
      failures,
    }),
  ),
})
