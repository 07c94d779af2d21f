import {
  type CounterValues,
  maps,
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

/** Hands out the slots of a table. The caller holds its lock. */
export class Slots {
  #service = 1
  #server = 1

  constructor(readonly table: Table) {}

  /** A free slot for a service, its counters at zero. @throws SluiceError SLUICE_FULL */
  takeService(): number {
    const { table } = this
    const limit = maps.services.maxEntries
    const slot = this.#next(this.#service, table.settings.serviceTop, limit, (i) => table.service(i).slotState)
    if (slot === undefined) throw new SluiceError('SLUICE_FULL', { what: 'virtual service', limit: limit - 1 })
    this.#service = slot + 1
    if (slot >= table.settings.serviceTop) table.settings.serviceTop = slot + 1
    zeroCounters(table, serviceCounters(slot))
    return slot
  }

  /** A free slot for a server, its counters at zero; those of the trash that nobody needs any more are freed first. */
  takeServer(): number {
    const { table } = this
    const limit = maps.servers.maxEntries
    const next = () => this.#next(this.#server, table.settings.serverTop, limit, (i) => table.server(i).slotState)
    let slot = next()
    if (slot === undefined || slot >= table.settings.serverTop) {
      // before the table grows: what waits in the trash may be over
      if (this.emptyTrash() > 0) slot = next()
    }
    if (slot === undefined) throw new SluiceError('SLUICE_FULL', { what: 'real server', limit: limit - 1 })
    this.#server = slot + 1
    if (slot >= table.settings.serverTop) table.settings.serverTop = slot + 1
    zeroCounters(table, serverCounters(slot))
    return slot
  }

  /** Frees the servers of the trash that have no connection and whose time is over; tells how many. */
  emptyTrash(): number {
    const { table } = this
    if (table.settings.trash === 0) return 0
    const now = monotonicNs()
    let freed = 0
    for (let slot = 1; slot < table.settings.serverTop; slot += 1) {
      const server = table.server(slot)
      if (server.slotState !== SluiceSlot.TRASH || !isOver(server, now)) continue
      server.slotState = SluiceSlot.FREE
      freed += 1
      this.#server = Math.min(this.#server, slot)
    }
    table.settings.trash -= freed
    return freed
  }

  /** The server of the trash that `wanted` describes, if it may still come back. */
  findTrash(wanted: (server: ServerRecord) => boolean): number | undefined {
    const { table } = this
    if (table.settings.trash === 0) return undefined
    const now = monotonicNs()
    for (let slot = 1; slot < table.settings.serverTop; slot += 1) {
      const server = table.server(slot)
      if (server.slotState === SluiceSlot.TRASH && wanted(server) && !isOver(server, now)) return slot
    }
    return undefined
  }

  #next(from: number, top: number, limit: number, state: (slot: number) => number): number | undefined {
    for (let slot = from; slot < top; slot += 1) if (state(slot) === SluiceSlot.FREE) return slot
    for (let slot = 1; slot < Math.min(from, top); slot += 1) if (state(slot) === SluiceSlot.FREE) return slot
    return top < limit ? top : undefined
  }
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
