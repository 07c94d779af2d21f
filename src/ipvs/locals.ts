import { LocalAddressRecord, maps, type ServiceRecord, SluiceSlot, type Table } from '../datapath/index.js'
import { SluiceError } from '../errors.js'
import { familyOf, formatAddress, parseAddress } from './address.js'
import type { ServiceKey } from './types.js'
import { isLocal } from './unicast.js'

/**
 * Local addresses of full NAT: each service has a few, and a record of its own stands for each address, which services
 * share and connections name. The caller holds the table's lock.
 */

/** Most that one service can have: `SERVICE_LOCALS` of bpf/records.h. */
export const MOST_LOCALS = 8

/** A local address of a service, and what is on it. */
export interface LocalAddress {
  readonly service: ServiceKey
  readonly address: string
  /** Connections that have it, those of other services included. */
  readonly connections: number
}

/** The ports that full NAT takes of its local addresses; both are included. */
export interface PortRange {
  readonly low: number
  readonly high: number
}

function* slotsOf(service: ServiceRecord): Iterable<number> {
  for (let i = 0; i < MOST_LOCALS; i += 1) {
    const slot = service.locals(i)
    if (slot === 0) return
    yield slot
  }
}

/** The local addresses of a service, in the order of adding. */
export function readLocals(table: Table, slot: number): string[] {
  return [...slotsOf(table.service(slot))].map((local) => addressOf(table, local))
}

/** Connections of all services on a local address. */
export function localConnections(table: Table, address: string): number {
  const slot = find(table, address)
  return slot === undefined ? 0 : Math.max(0, table.local(slot).connections)
}

/** @throws SluiceError SLUICE_BAD_LOCAL_ADDRESS */
export function checkLocals(key: ServiceKey, addresses: readonly string[]): void {
  const refuse = (address: string, reason: string): never => {
    throw new SluiceError('SLUICE_BAD_LOCAL_ADDRESS', { address, reason })
  }
  const inet6 = 'fwmark' in key ? key.family === 'inet6' : key.address.includes(':')
  for (const [i, address] of addresses.entries()) {
    if (i >= MOST_LOCALS) refuse(address, `a service takes no more than ${MOST_LOCALS}`)
    if (addresses.indexOf(address) !== i) refuse(address, 'the service has it already')
    if (address.includes(':') !== inet6) refuse(address, 'the service is of the other family')
    if (address.startsWith('127.') || address === '::1') refuse(address, 'no server could answer it')
    if (!isLocal(address)) refuse(address, 'it is no address of this host')
  }
}

/** Gives a service its local addresses, in place of those that it had. They have been checked. */
export function writeLocals(table: Table, slot: number, addresses: readonly string[]): void {
  const service = table.service(slot)
  const before = [...slotsOf(service)]
  const after: number[] = []
  try {
    for (const address of addresses) after.push(take(table, address))
  } catch (error) {
    for (const local of after) table.local(local).services -= 1
    throw error
  }
  // packets read up to the first 0: at no moment do they find less than what both lists share
  for (let i = 0; i < MOST_LOCALS; i += 1) service.setLocals(i, after[i] ?? 0)
  for (const local of before) {
    const record = table.local(local)
    record.services = Math.max(0, record.services - 1)
  }
}

/** Counts anew which services have which address, after an edit that was cut off. */
export function recountLocals(table: Table, services: Iterable<number>): void {
  const counts = new Map<number, number>()
  for (const slot of services)
    for (const local of slotsOf(table.service(slot))) counts.set(local, (counts.get(local) ?? 0) + 1)
  for (let local = 1; local < maps.localAddresses.maxEntries; local += 1) {
    const record = table.local(local)
    if (record.slotState === SluiceSlot.LIVE) record.services = counts.get(local) ?? 0
  }
}

function addressOf(table: Table, local: number): string {
  const record = table.local(local)
  return formatAddress(record.addressBytes(), record.family)
}

function find(table: Table, address: string): number | undefined {
  for (let local = 1; local < maps.localAddresses.maxEntries; local += 1)
    if (table.local(local).slotState === SluiceSlot.LIVE && addressOf(table, local) === address) return local
  return undefined
}

/** The address's slot, with one service more that has it. @throws SluiceError SLUICE_FULL */
function take(table: Table, address: string): number {
  const known = find(table, address)
  const local = known ?? free(table)
  const record = table.local(local)
  if (known === undefined) {
    const fresh = LocalAddressRecord.allocate()
    fresh.addressBytes().set(parseAddress(address))
    fresh.family = familyOf(address)
    record.bytes().set(fresh.bytes())
    record.slotState = SluiceSlot.LIVE
  }
  record.services += 1
  return local
}

/** A slot that no service has, and no connection. */
function free(table: Table): number {
  const limit = maps.localAddresses.maxEntries
  for (let local = 1; local < limit; local += 1) {
    const record = table.local(local)
    if (record.slotState === SluiceSlot.FREE || (record.services === 0 && record.connections <= 0)) return local
  }
  throw new SluiceError('SLUICE_FULL', { what: 'local address', limit: limit - 1 })
}
