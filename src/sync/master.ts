import type { ConnectionEntry, ConnectionSight } from '../ipvs/index.js'
import { type Control, tellAll } from './bulk.js'
import { Packer } from './encode.js'
import { connectionOf } from './entries.js'
import type { SyncConnection } from './message.js'
import { isSent, Selection, type SendingRules, type Sight } from './selection.js'

/** The table, as a master looks at it. */
export interface Source {
  /** Gives back undefined where there is no table. */
  rules(): SendingRules | undefined
  /** The watermark of each family: records from there on were never used. */
  tops(): readonly [number, number]
  /** The first record of [from, to) that has changed since this method gave it back; `to` where there is none. */
  nextChanged(family: 0 | 1, from: number, to: number): number
  /** @returns undefined where the record holds no connection */
  sight(family: 0 | 1, id: number): ConnectionSight | undefined
  /** The template that a connection counts on. */
  parent(family: 0 | 1, id: number): ConnectionSight | undefined
  /** All that is to be told of a connection; undefined when it has ended meanwhile. */
  entry(sight: ConnectionSight): ConnectionEntry | undefined
}

export interface MasterFigures {
  datagrams: number
  connections: number
  /** Connections too large for a datagram. */
  tooLarge: number
  /** Resyncs that backups asked for, how many of them failed, and the connections told by them. */
  resyncs: number
  resyncsFailed: number
  resyncConnections: number
}

/** Records looked at before other work of this process has its turn. */
const SLICE = 65_536

/** Milliseconds from one look at the table to the next, at least; a look may take a twentieth of the time. */
const INTERVAL = 100

/** Looks at the table now and then, and sends what is due. */
export class Master {
  readonly figures: MasterFigures = {
    datagrams: 0,
    connections: 0,
    tooLarge: 0,
    resyncs: 0,
    resyncsFailed: 0,
    resyncConnections: 0,
  }
  readonly #packer: Packer
  readonly #selection = new Selection({ threshold: 3, period: 50, refreshPeriod: 0, retries: 0, templatesOnly: false })
  readonly #telling = new Set<string>()

  constructor(
    readonly source: Source,
    readonly syncid: number,
    length: number,
    send: (datagram: Uint8Array) => void,
    readonly clock: () => number = () => performance.now() / 1000,
  ) {
    this.#packer = new Packer(syncid, length, (datagram) => {
      this.figures.datagrams += 1
      send(datagram)
    })
  }

  /** Looks again and again, until told to stop; what is due then is still sent. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const spent = await this.pass(signal)
      await pause(Math.max(INTERVAL, 20 * spent), signal)
    }
    await this.pass()
  }

  /** One look at the whole table. @returns milliseconds of work */
  async pass(signal?: AbortSignal): Promise<number> {
    const rules = this.source.rules()
    if (!rules) return 0
    this.#selection.rules = rules
    let spent = 0
    const tops = this.source.tops()
    for (const family of [0, 1] as const) {
      const top = tops[family]
      for (let id = 1; id < top; id += SLICE) {
        const started = performance.now()
        this.#slice(family, id, Math.min(top, id + SLICE))
        spent += performance.now() - started
        await new Promise(setImmediate)
        if (signal?.aborted) break
      }
    }
    this.#packer.flush()
    return spent
  }

  #slice(family: 0 | 1, from: number, to: number): void {
    const now = this.clock()
    for (
      let id = this.source.nextChanged(family, from, to);
      id < to;
      id = this.source.nextChanged(family, id + 1, to)
    ) {
      const sight = this.source.sight(family, id)
      if (!sight) continue
      const { due, moved } = this.#selection.look(sight, now)
      if (due) this.#tell(sight)
      if (!moved || !sight.controlled) continue
      const parent = this.source.parent(family, id)
      if (parent && this.#selection.lookAtParent(parent, now)) this.#tell(parent)
    }
  }

  #tell(sight: Sight): void {
    const entry = this.source.entry(sight)
    if (!entry) return
    if (this.#packer.add(connectionOf(entry))) this.figures.connections += 1
    else this.figures.tooLarge += 1
  }

  /** Answers a backup's request: all connections, by TCP. One at a time for each backup. */
  async answer(host: string, request: Control): Promise<void> {
    if (this.#telling.has(host) || (request.syncid !== 0 && request.syncid !== this.syncid)) return
    this.#telling.add(host)
    this.figures.resyncs += 1
    try {
      this.figures.resyncConnections += await tellAll(host, request, this.syncid, this.#all())
    } catch {
      this.figures.resyncsFailed += 1
    } finally {
      this.#telling.delete(host)
    }
  }

  *#all(): Iterable<SyncConnection> {
    const rules = this.source.rules()
    if (!rules) return
    const tops = this.source.tops()
    for (const family of [0, 1] as const)
      for (let id = 1; id < tops[family]; id += 1) {
        const sight = this.source.sight(family, id)
        if (!sight || (!sight.template && !isSent(sight.protocol, sight.state))) continue
        if (rules.templatesOnly && sight.controlled) continue
        const entry = this.source.entry(sight)
        if (entry) yield connectionOf(entry)
      }
  }
}

export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
  })
}
