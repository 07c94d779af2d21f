import type {
  ServerOptionsRecord,
  ServerRecord,
  ServiceOptionsRecord,
  ServiceRecord,
  Table,
} from '../datapath/index.js'

/** What packets see of a service: the copy of its options, and the list of its servers. */

export function liveServiceOptions(service: ServiceRecord): ServiceOptionsRecord {
  return service.options(service.version & 1)
}

export function liveServerOptions(server: ServerRecord): ServerOptionsRecord {
  return server.options(server.version & 1)
}

/** A service's servers in list order, as slots. Bounded, so that no broken list can hold a command. */
export function* serverSlots(table: Table, service: number): Iterable<number> {
  let slot = table.service(service).head
  for (let left = table.settings.serverTop; slot !== 0 && left > 0; left -= 1) {
    yield slot
    slot = table.server(slot).next
  }
}
