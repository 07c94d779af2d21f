import {
  type AddressKey,
  Director,
  type DirectorApi,
  type ForwardingMethod,
  type ServerKey,
  type ServiceKey,
} from '../ipvs/index.js'
import { NamespaceState } from './namespace-state.js'
import { addToLoopback, isOnLoopback, parseVip, removeFromLoopback } from './vip.js'

/** What one `start` made, so that `stop` undoes that and no more. */
interface Started {
  readonly key: AddressKey
  readonly vipAdded: boolean
  readonly serviceAdded: boolean
  readonly serversAdded: readonly ServerKey[]
}

export interface VirtualServer {
  readonly key: AddressKey
  readonly scheduler: string
  readonly method: ForwardingMethod
  readonly weight: number
  readonly servers: readonly ServerKey[]
}

const sameKey = (a: AddressKey, b: ServiceKey) =>
  'address' in b && a.protocol === b.protocol && a.address === b.address && a.port === b.port
const sameServer = (a: ServerKey, b: ServerKey) => a.address === b.address && a.port === b.port

function withTable<T>(work: (table: DirectorApi) => T): T {
  const table = Director.open()
  try {
    return work(table)
  } finally {
    table.close()
  }
}

/**
 * Makes this network namespace the director of a virtual service: the VIP on `lo`, the service and its real servers in the
 * table. May be repeated; what is there already stays as it is. Where it fails, nothing of it stays.
 * @throws SluiceError `SLUICE_BAD_VIP`, and what the table throws
 */
export function startDirector(wanted: VirtualServer): void {
  const key = { ...wanted.key, address: parseVip(wanted.key.address) }
  const again = startedServices().some((one) => sameKey(key, one))
  try {
    start(key, wanted)
  } catch (error) {
    if (!again) stopDirector(key)
    throw error
  }
}

function start(key: AddressKey, wanted: VirtualServer): void {
  const servers = wanted.servers.map((server) => ({ ...server, address: parseVip(server.address) }))
  const store = new NamespaceState<Started[]>('director')
  const others = (store.load() ?? []).filter((one) => !sameKey(key, one.key))
  const before = (store.load() ?? []).find((one) => sameKey(key, one.key))
  withTable((table) => {
    const present = table.service(key)
    const missing = servers.filter((server) => !present?.servers.some((one) => sameServer(server, one)))
    const vipPresent = isOnLoopback(key.address)
    const earlier = (before?.serversAdded ?? []).filter((one) => !missing.some((server) => sameServer(one, server)))
    const started: Started = {
      key,
      vipAdded: (before?.vipAdded ?? false) || !vipPresent,
      serviceAdded: (before?.serviceAdded ?? false) || !present,
      serversAdded: [...earlier, ...missing],
    }
    store.save([...others, started])
    if (!vipPresent) addToLoopback(key.address)
    if (!present) table.addService(key, { scheduler: wanted.scheduler })
    for (const server of missing) table.addServer(key, server, { method: wanted.method, weight: wanted.weight })
  })
}

/**
 * Undoes exactly what {@link startDirector} made, for one service or for all. A service to which somebody else has added
 * servers stays with these. Does nothing where nothing was started.
 * @returns lines about what was left as it is
 */
export function stopDirector(only?: AddressKey): string[] {
  const store = new NamespaceState<Started[]>('director')
  const all = store.load() ?? []
  const going = only ? all.filter((one) => sameKey({ ...only, address: parseVip(only.address) }, one.key)) : all
  if (going.length === 0) return []
  const notes: string[] = []
  withTable((table) => {
    for (const one of going) {
      const service = table.service(one.key)
      const ours = (service?.servers ?? []).filter((server) =>
        one.serversAdded.some((added) => sameServer(added, server)),
      )
      const deletes = one.serviceAdded && ours.length === service?.servers.length
      if (deletes) table.deleteService(one.key)
      else for (const { address, port } of ours) table.deleteServer(one.key, { address, port })
      if (service && one.serviceAdded && !deletes) {
        notes.push(`${one.key.address}:${one.key.port} has servers that were added since: left with these`)
      }
      const staying = [...all.filter((other) => !going.includes(other)), ...going.slice(going.indexOf(one) + 1)]
      const needed = staying.find((other) => other.key.address === one.key.address)
      if (one.vipAdded && !needed && isOnLoopback(one.key.address)) removeFromLoopback(one.key.address)
      const heirs = staying.map((other) => (other === needed && one.vipAdded ? { ...other, vipAdded: true } : other))
      if (heirs.length > 0) store.save(heirs)
      else store.delete()
    }
  })
  return notes
}

/** The services that {@link startDirector} made in this network namespace. */
export const startedServices = (): AddressKey[] =>
  (new NamespaceState<Started[]>('director').load() ?? []).map(({ key }) => key)
