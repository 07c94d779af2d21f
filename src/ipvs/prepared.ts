import { SluiceScheduler, type Table } from '../datapath/index.js'
import { liveServerOptions, liveServiceOptions, serverSlots } from './live.js'
import { MAGLEV_SIZE, maglevTable } from './maglev.js'
import { wrrCursor, wrrWord } from './schedulers.js'

/**
 * What a scheduler has ready before packets come: wrr its rounds, mh its lookup table. All of it follows from the list of
 * servers, so that a command which finds an edit cut off makes it anew. The other schedulers need nothing.
 */

/** Brings up to date what the service's scheduler has ready, after servers or weights changed. */
export function weightsChanged(table: Table, service: number): void {
  const { scheduler } = liveServiceOptions(table.service(service))
  prepare(table, service, scheduler)
  if (scheduler !== SluiceScheduler.WRR) return
  const { wrr } = table.service(service)
  table.moveCursor(service, (cursor) => wrrCursor(cursor, wrr))
}

/**
 * Makes ready what `scheduler` needs, before packets see that it is the service's; or, with `leaving`, before they see that
 * this server has left.
 */
export function prepare(table: Table, service: number, scheduler: number, leaving?: number): void {
  if (scheduler !== SluiceScheduler.WRR && scheduler !== SluiceScheduler.MH) return
  const slots = [...serverSlots(table, service)].filter((slot) => slot !== leaving)
  if (scheduler === SluiceScheduler.WRR && leaving === undefined) {
    table.publishWrr(service, wrrWord(slots.map((slot) => liveServerOptions(table.server(slot)).weight)))
  } else if (scheduler === SluiceScheduler.MH && slots.length <= MAGLEV_SIZE) {
    // more servers than places: as in IPVS the table stays as it was
    const servers = slots.map((slot) => {
      const server = table.server(slot)
      return { slot, address: server.addressBytes(), port: server.port, weight: server.lastWeight }
    })
    table.publishMaglev(service, maglevTable(servers))
  }
}

/** A scheduler begins anew: at the list's head, without anything remembered. */
export function restartScheduler(table: Table, service: number): void {
  const record = table.service(service)
  record.cacheStamp = table.takeStamp()
  record.cached = 0
  table.moveCursor(service, () => 0n)
  weightsChanged(table, service)
  if (liveServiceOptions(record).scheduler !== SluiceScheduler.MH) table.publishMaglev(service, undefined)
}
