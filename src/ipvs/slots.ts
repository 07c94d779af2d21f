import {
  type CounterValues,
  maps,
  type ServerPlaceBytes,
  type ServerRecord,
  SluiceSlot,
  serverCounters,
  serviceCounters,
  type Table,
  TOTALS,
} from '../datapath/index.js'
import { SluiceError } from '../errors.js'
import { monotonicNs } from '../kernel/index.js'

/** How long a deleted server without connections may come back to its old counters, ns: IPVS's trash period. */
const TRASH_PERIOD = 120n * 1_000_000_000n

/** How long the trash is left alone after a look at all of it, ns. */
const TRASH_LOOK = 1_000_000_000n

/** Where nothing was free, new slots are taken at the top so many times before the rest is looked through again. */
const LOOK_EVERY = 1024

/** One table's slots: where to go on looking for a free one. */
interface Search {
  from: number
  /** Slots to be taken at the top, unlooked: the last look found none that is free. */
  unlooked: number
}

/** Hands out the slots of a table. The caller holds its lock. */
export class Slots {
  readonly #services: Search = { from: 1, unlooked: 0 }
  readonly #servers: Search = { from: 1, unlooked: 0 }
  #emptied = -TRASH_LOOK

  constructor(readonly table: Table) {}

  /** A free slot for a service, its counters at zero. @throws SluiceError SLUICE_FULL */
  takeService(): number {
    const { table } = this
    const limit = maps.services.maxEntries
    const slot = take(this.#services, table.settings.serviceTop, limit, (from, to) =>
      table.findServiceSlot(SluiceSlot.FREE, from, to),
    )
    if (slot === undefined) throw new SluiceError('SLUICE_FULL', { what: 'virtual service', limit: limit - 1 })
    if (slot >= table.settings.serviceTop) table.settings.serviceTop = slot + 1
    zeroCounters(table, serviceCounters(slot))
    return slot
  }

  /** A free slot for a server, its counters at zero; those of the trash that nobody needs any more are freed first. */
  takeServer(): number {
    const { table } = this
    const limit = maps.servers.maxEntries
    const next = () =>
      take(this.#servers, table.settings.serverTop, limit, (from, to) =>
        table.findServerSlot(SluiceSlot.FREE, from, to),
      )
    let slot = next()
    if (slot === undefined || slot >= table.settings.serverTop) {
      // before the table grows: what waits in the trash may be over
      if (this.emptyTrash(slot === undefined) > 0) slot = next()
    }
    if (slot === undefined) throw new SluiceError('SLUICE_FULL', { what: 'real server', limit: limit - 1 })
    if (slot >= table.settings.serverTop) table.settings.serverTop = slot + 1
    zeroCounters(table, serverCounters(slot))
    return slot
  }

  /**
   * Frees the servers of the trash that have no connection and whose time is over; tells how many.
   * @param needed even if it has just been looked through
   */
  emptyTrash(needed = true): number {
    const { table } = this
    const now = monotonicNs()
    if (table.settings.trash === 0 || (!needed && now - this.#emptied < TRASH_LOOK)) return 0
    this.#emptied = now
    let freed = 0
    const { serverTop } = table.settings
    const next = (from: number) => table.findServerSlot(SluiceSlot.TRASH, from, serverTop)
    for (let slot = next(1); slot !== undefined; slot = next(slot + 1)) {
      const server = table.server(slot)
      if (!isOver(server, now)) continue
      server.slotState = SluiceSlot.FREE
      freed += 1
      this.#servers.from = Math.min(this.#servers.from, slot)
    }
    if (freed > 0) this.#servers.unlooked = 0
    table.settings.trash -= freed
    return freed
  }

  /** The server of the trash at this place that `wanted` describes, if it may still come back. */
  findTrash(place: ServerPlaceBytes, wanted: (server: ServerRecord) => boolean): number | undefined {
    const { table } = this
    if (table.settings.trash === 0) return undefined
    const now = monotonicNs()
    const next = (from: number) => table.findServerPlace(SluiceSlot.TRASH, place, from, table.settings.serverTop)
    for (let slot = next(1); slot !== undefined; slot = next(slot + 1)) {
      const server = table.server(slot)
      if (wanted(server) && !isOver(server, now)) return slot
    }
    return undefined
  }
}

/** The next free slot below `top`, or `top` itself. */
function take(
  search: Search,
  top: number,
  limit: number,
  find: (from: number, to: number) => number | undefined,
): number | undefined {
  if (search.unlooked > 0 && top < limit) {
    search.unlooked -= 1
    return top
  }
  const found = find(search.from, top) ?? find(1, Math.min(search.from, top))
  if (found !== undefined) search.from = found + 1
  else search.unlooked = LOOK_EVERY
  return found ?? (top < limit ? top : undefined)
}

function isOver(server: ServerRecord, now: bigint): boolean {
  return server.active + server.inactive + server.persistent === 0 && now - server.deleted > TRASH_PERIOD
}

/** Packets only ever add: zero is what stands there now. The rates begin anew from there. */
export function zeroCounters(table: Table, row: number): void {
  zero(table, row, table.counters(row))
}

/** The counters of all services together. */
export function zeroTotals(table: Table): void {
  zero(table, TOTALS, table.totalCounters())
}

function zero(table: Table, row: number, now: CounterValues): void {
  const base = table.counterBase(row)
  const [connections, inPackets, outPackets, inBytes, outBytes] = now
  base.connections = connections
  base.inPackets = inPackets
  base.outPackets = outPackets
  base.inBytes = inBytes
  base.outBytes = outBytes
  table.resetRates(row)
}
