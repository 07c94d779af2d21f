import type { ConnectionEntry, Insertion } from '../ipvs/index.js'
import { decode, type Malformation, MalformedError } from './decode.js'
import { entryOf } from './entries.js'
import type { SyncConnection, SyncMessage } from './message.js'

/** The table, as a backup writes to it. */
export interface Sink {
  /**
   * One result an entry, in their order.
   * @param resync what lives here already stays as it is
   */
  insert(entries: readonly ConnectionEntry[], resync: boolean): readonly Insertion[]
}

export interface BackupFigures {
  datagrams: number
  connections: number
  /** Datagrams of another syncid. */
  others: number
  /** Datagrams that nothing was taken from, by reason. */
  malformed: Partial<Record<Malformation, number>>
  insertions: Record<Insertion, number>
  /** Connections that wait for their server. */
  waiting: number
  resyncs: number
  resyncsFailed: number
  resyncConnections: number
}

/** Connections that may wait for their server to be added. */
const MOST_WAITING = 65_536

interface Waiting {
  readonly entry: ConnectionEntry
  /** Seconds of the clock. */
  readonly until: number
}

/** Takes what masters tell into the table. */
export class Backup {
  readonly figures: BackupFigures = {
    datagrams: 0,
    connections: 0,
    others: 0,
    malformed: {},
    insertions: { made: 0, updated: 0, 'no-server': 0, full: 0, other: 0, unsupported: 0 },
    waiting: 0,
    resyncs: 0,
    resyncsFailed: 0,
    resyncConnections: 0,
  }
  readonly #waiting = new Map<string, Waiting>()
  /** What was told by datagram while a resync runs, which may be older. */
  #newer: Set<string> | undefined

  constructor(
    readonly sink: Sink,
    /** 0 takes all. */
    readonly syncid: number,
    readonly clock: () => number = () => performance.now() / 1000,
  ) {}

  /** A datagram. What is malformed, or another's, is counted and changes nothing. */
  receive(datagram: Uint8Array): void {
    this.figures.datagrams += 1
    try {
      this.#take(decode(datagram), false)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.figures.malformed[error.reason] = (this.figures.malformed[error.reason] ?? 0) + 1
    }
  }

  /** From now on, what datagrams tell is newer than what the resync does. */
  beginResync(): void {
    this.#newer ??= new Set()
  }

  endResync(): void {
    this.#newer = undefined
  }

  /** A message of a resync. */
  receiveAll(message: SyncMessage): void {
    this.#take(message, true)
  }

  #take({ syncid, connections }: SyncMessage, resync: boolean): void {
    if (this.syncid !== 0 && syncid !== this.syncid) {
      this.figures.others += 1
      return
    }
    if (resync) this.figures.resyncConnections += connections.length
    else this.figures.connections += connections.length
    const taken = resync ? connections.filter((one) => !this.#newer?.has(keyOf(one))) : connections
    if (!resync && this.#newer) for (const one of connections) this.#newer.add(keyOf(one))
    const supported = taken.filter((one) => {
      const can = isSupported(one)
      if (!can) this.figures.insertions.unsupported += 1
      return can
    })
    this.#insert(supported.map(entryOf), resync)
  }

  #insert(entries: readonly ConnectionEntry[], resync: boolean): void {
    if (entries.length === 0) return
    const results = this.sink.insert(entries, resync)
    for (const [i, entry] of entries.entries()) {
      const result = results[i] as Insertion
      this.figures.insertions[result] += 1
      const key = keyOf(entry)
      if (result !== 'no-server') {
        if (this.#waiting.size > 0) this.#waiting.delete(key)
        continue
      }
      // the newest goes to the end, the oldest makes way
      this.#waiting.delete(key)
      this.#waiting.set(key, { entry, until: this.clock() + (entry.timeout ?? 60) })
      if (this.#waiting.size > MOST_WAITING) this.#waiting.delete(this.#waiting.keys().next().value as string)
    }
    this.figures.waiting = this.#waiting.size
  }

  /** Tries again what waits for its server: to be called now and then. */
  retry(): void {
    if (this.#waiting.size === 0) return
    const now = this.clock()
    const all = [...this.#waiting]
    for (let i = 0; i < all.length; i += 256) {
      const some = all.slice(i, i + 256).filter(([key, { until }]) => {
        if (until > now) return true
        this.#waiting.delete(key)
        return false
      })
      const results = this.sink.insert(
        some.map(([, { entry, until }]) => ({ ...entry, timeout: Math.ceil(until - now) })),
        false,
      )
      for (const [j, [key]] of some.entries()) {
        const result = results[j] as Insertion
        if (result === 'no-server') continue
        this.figures.insertions[result] += 1
        this.#waiting.delete(key)
      }
    }
    this.figures.waiting = this.#waiting.size
  }
}

/** What a packet of the connection, or a new connection of the template, would be known by. */
function keyOf(one: SyncConnection | ConnectionEntry): string {
  const template = 'template' in one ? one.template : (one.flags & 0x1000) !== 0
  const address = (bytes: Uint8Array) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const { clientAddress, clientPort, virtualAddress, virtualPort, protocol } = one
  return `${address(clientAddress)}${address(virtualAddress)},${clientPort},${virtualPort},${protocol},${template}`
}

/** Without the client's port, or with rewritten sequence numbers, a connection cannot go on here. */
function isSupported({ flags, engine, sequences }: SyncConnection): boolean {
  return !(flags & 0x800) && !engine && !sequences
}
