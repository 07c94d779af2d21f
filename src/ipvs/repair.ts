import { SluiceScheduler, SluiceSlot, type Table } from '../datapath/index.js'
import { discardServer, liveServerOptions, liveServiceOptions, serverSlots, weightsChanged } from './edit.js'
import { recountLocals } from './locals.js'
import { recountServices } from './rare-services.js'
import { readKey } from './records.js'

/**
 * Brings a table in order whose last edit was cut off. What packets can reach is the truth: a service in the index, a
 * server in a service's list. The rest was on its way in or out, and goes. The caller holds the lock.
 */
export function repair(table: Table): void {
  const live = new Set(table.indexedServices())
  for (let slot = 1; slot < table.settings.serviceTop; slot += 1) {
    const service = table.service(slot)
    if (service.slotState !== SluiceSlot.FREE && !live.has(slot)) service.slotState = SluiceSlot.FREE
  }
  const reachable = new Map<number, number>()
  for (const service of live) {
    let count = 0
    for (const slot of serverSlots(table, service)) {
      reachable.set(slot, service)
      count += 1
    }
    table.service(service).slotState = SluiceSlot.LIVE
    table.service(service).serverCount = count
  }
  let trash = 0
  for (let slot = 1; slot < table.settings.serverTop; slot += 1) {
    const server = table.server(slot)
    const service = reachable.get(slot)
    if (service !== undefined) {
      const { weight } = liveServerOptions(server)
      server.service = service
      server.slotState = SluiceSlot.LIVE
      if (weight !== 0) server.lastWeight = weight
    } else if (server.slotState === SluiceSlot.LIVE) {
      discardServer(table, slot)
    }
    if (server.slotState === SluiceSlot.TRASH) trash += 1
  }
  table.settings.trash = trash
  for (const service of table.maglevServices()) {
    if (!live.has(service) || liveServiceOptions(table.service(service)).scheduler !== SluiceScheduler.MH)
      table.publishMaglev(service, undefined)
  }
  recountLocals(table, live)
  for (const service of live) weightsChanged(table, service)
  recountServices(
    table,
    [...live].map((slot) => readKey(table.service(slot).key)),
  )
}
