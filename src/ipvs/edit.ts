import { type ServerOptionsRecord, type ServiceOptionsRecord, SluiceSlot, type Table } from '../datapath/index.js'
import { monotonicNs } from '../kernel/index.js'
import { liveServiceOptions, serverSlots } from './live.js'
import { prepare, weightsChanged } from './prepared.js'

export { liveServerOptions, liveServiceOptions, serverSlots } from './live.js'
export { prepare, restartScheduler, weightsChanged } from './prepared.js'

/**
 * The steps of an edit, each of which packets see whole or not at all. The caller holds the table's lock and has
 * opened the journal.
 */

/** A packet that began with the older copy of some options has long finished with it by then, ns. */
const GRACE = 1_000_000n

let lastPublished = 0n

/**
 * Before the copy that packets used until a moment ago is written over, the last of them must be through. Only two
 * edits of one process can be that close; a new process takes longer to start.
 */
function waitForReaders(): void {
  while (monotonicNs() - lastPublished < GRACE) {
    // a millisecond at the most, and only between edits of options
  }
}

/** Writes what no packet reads and shows it to them, long enough after the time before that it was last shown. */
export function publish(write: () => void): void {
  waitForReaders()
  write()
  lastPublished = monotonicNs()
}

/** Changes a service's options in one step; `write` finds in the copy what packets read until now. */
export function publishServiceOptions(
  table: Table,
  slot: number,
  write: (options: ServiceOptionsRecord) => void,
): void {
  const service = table.service(slot)
  const version = (service.version + 1) >>> 0
  publish(() => {
    const next = service.options(version & 1)
    next.bytes().set(liveServiceOptions(service).bytes())
    write(next)
    table.publishServiceVersion(slot, version)
  })
}

/** Changes a server's options in one step. */
export function publishServerOptions(table: Table, slot: number, write: (options: ServerOptionsRecord) => void): void {
  const server = table.server(slot)
  const version = (server.version + 1) >>> 0
  publish(() => {
    write(server.options(version & 1))
    table.publishServerVersion(slot, version)
  })
}

/** Puts a complete server at the head of its service's list. */
export function linkServer(table: Table, service: number, slot: number): void {
  const record = table.service(service)
  const server = table.server(slot)
  server.service = service
  server.next = record.head
  server.slotState = SluiceSlot.LIVE
  table.publishHead(service, slot)
  record.serverCount += 1
  weightsChanged(table, service)
}

/**
 * Takes a server out of its service's list and into the trash. Packets in the middle of a walk go on along its `next`,
 * which stays as it is until the slot is used again.
 */
export function unlinkServer(table: Table, service: number, slot: number): void {
  const record = table.service(service)
  let before = 0
  for (const each of serverSlots(table, service)) {
    if (each === slot) break
    before = each
  }
  const stepBack = (cursor: bigint) =>
    Number(cursor & 0xffff_ffffn) === slot ? (cursor & ~0xffff_ffffn) | BigInt(before) : cursor
  const { next } = table.server(slot)
  prepare(table, service, liveServiceOptions(record).scheduler, slot)
  if (before === 0) table.publishHead(service, next)
  else table.publishNext(before, next)
  record.serverCount -= 1
  // only now can no packet choose it and set the cursor on it again
  table.moveCursor(service, stepBack)
  discardServer(table, slot)
  weightsChanged(table, service)
}

export function discardServer(table: Table, slot: number): void {
  const server = table.server(slot)
  server.deleted = monotonicNs()
  server.slotState = SluiceSlot.TRASH
  table.settings.trash += 1
}
