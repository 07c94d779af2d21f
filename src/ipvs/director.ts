import {
  attachNewDevices,
  attachOutput,
  Connection6Record,
  ConnectionRecord,
  type CounterValues,
  defaultLocalPorts,
  defaultSysctls,
  hasNewDevices,
  type LoadOptions,
  openOrCreateTable,
  openTable,
  reapDeadTables,
  type ServerPlaceBytes,
  type ServerRecord,
  ServiceKeyRecord,
  type ServiceRecord,
  SluiceFamily,
  SluiceKind,
  SluiceSlot,
  SluiceState,
  SluiceStatus,
  SluiceSysctl,
  SluiceTemplateName,
  type StoredConnection,
  serverCounters,
  serviceCounters,
  stateName,
  type Table,
  TOTALS,
} from '../datapath/index.js'
import { SluiceError } from '../errors.js'
import { type Lock, monotonicNs } from '../kernel/index.js'
import { familyOf, formatAddress, parseAddress } from './address.js'
import { ConnectionExchange } from './connection-exchange.js'
import { runningDaemons, startDaemonProcess, stopDaemonProcess } from './daemon-processes.js'
import type { DirectorApi, ServiceParts } from './director-api.js'
import {
  discardServer,
  linkServer,
  liveServerOptions,
  liveServiceOptions,
  prepare,
  publishServerOptions,
  publishServiceOptions,
  restartScheduler,
  serverSlots,
  unlinkServer,
  weightsChanged,
} from './edit.js'
import { IpvsError } from './error.js'
import { checkLocals, type LocalAddress, localConnections, type PortRange, readLocals, writeLocals } from './locals.js'
import { checkMarkRules, type MarkRule, readMarkRules, refreshMarkRules, writeMarkRules } from './mark-rules.js'
import { countService } from './rare-services.js'
import { readRates } from './rates.js'
import {
  checkServerOptions,
  checkServiceOptions,
  engineName,
  keyRecord,
  protocolName,
  readKey,
  readServerOptions,
  readServiceOptions,
  type ServerPlace,
  writeServerOptions,
  writeServiceOptions,
} from './records.js'
import { repair } from './repair.js'
import { Slots, zeroCounters, zeroTotals } from './slots.js'
import { readSysctl, type Sysctl, sysctlNames, writeSysctl } from './sysctls.js'
import { tunnelSource } from './tunnel-source.js'
import type {
  Connection,
  Counters,
  DaemonState,
  Server,
  ServerKey,
  ServerOptions,
  Service,
  ServiceKey,
  ServiceOptions,
  SyncDaemon,
  SyncDaemonOptions,
  Timeouts,
  Totals,
} from './types.js'
import { isLocal, isUnicast, withAddressesKept } from './unicast.js'
import { refuseServer } from './unsupported.js'

export interface DirectorOptions extends LoadOptions {
  /** False: devices are left alone; packets arrive only where the datapath was attached by `attach`. Default: true. */
  readonly attach?: boolean
}

const timeoutStates = { tcp: SluiceState.ESTABLISHED, tcpFin: SluiceState.FIN_WAIT, udp: SluiceState.UDP } as const

const defaultTimeouts: Timeouts = { tcp: 900, tcpFin: 120, udp: 300 }

/** How long the lock is left to others after a batch. */
const TURN_MS = 5

/** Edits that are done together. */
interface Batch {
  /** Of the table, from the first of them on. */
  lock?: Lock
  /** New devices were looked for. */
  hasDevices?: boolean
}

const noCounts = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }

const noTotals: Totals = { counters: noCounts, rates: noCounts }

/**
 * The virtual server table of the network namespace that the process is in. The kernel holds it: it goes on forwarding
 * when this object, or the process, is gone. Opening costs next to nothing; the table itself, and the datapath on every
 * device, come into being with the first service that is added.
 *
 * All calls are synchronous. An edit takes the table's lock (waiting for another process's edit, usually for less than a
 * millisecond), is atomic for packets, and leaves the table as it was when it throws.
 *
 * @throws IpvsError with IPVS's errno for what kernel IPVS refuses too
 * @throws SluiceError for what stands in the way of the datapath
 */
export class Director implements DirectorApi {
  #table: Table | undefined
  #slots: Slots | undefined
  #batch: Batch | undefined

  private constructor(readonly options: DirectorOptions) {
    this.#table = openTable()
  }

  /** Opens the table of the network namespace that this process is in. */
  static open(options: DirectorOptions = {}): Director {
    return new Director(options)
  }

  get connectionTableSize(): number {
    return this.#table?.connectionCapacity ?? 4096
  }

  addService(key: ServiceKey, options: ServiceOptions): void {
    const record = keyRecord(key)
    this.#edit(true, (table, slots) => {
      if (table.findService(record) !== undefined) throw new IpvsError('EEXIST', 'the service exists')
      checkServiceOptions(key, options)
      const { localAddresses = [] } = options
      checkLocals(key, localAddresses)
      this.#meetNewDevices(table)
      const slot = slots.takeService()
      const service = table.service(slot)
      service.bytes().fill(0)
      service.key.bytes().set(record.bytes())
      service.order = table.settings.order
      table.settings.order += 1n
      noteTimeouts(table, options)
      writeServiceOptions(service.options(0), key, options)
      writeLocals(table, slot, localAddresses)
      service.slotState = SluiceSlot.LIVE
      restartScheduler(table, slot)
      countService(table, key, 1)
      table.insertService(record, slot)
    })
  }

  /**
   * Attaches the datapath to devices that have come since the last edit, as a new service does; where the datapath stands
   * nowhere, or only where it was told to, nothing happens. Cheap where there is nothing new.
   * @returns their names
   */
  meetNewDevices(): string[] {
    const table = this.#open()
    if (!table || !hasNewDevices(table)) return []
    let met: string[] = []
    this.#edit(false, (table) => {
      met = this.#meetNewDevices(table)
    })
    return met
  }

  #meetNewDevices(table: Table): string[] {
    if (this.options.attach === false || this.#batch?.hasDevices) return []
    const results = attachNewDevices(table)
    refreshMarkRules(table)
    if (this.#batch) this.#batch.hasDevices = true
    return results.map(({ device }) => device)
  }

  editService(key: ServiceKey, options: ServiceOptions): void {
    const record = keyRecord(key)
    this.#edit(false, (table) => {
      const slot = findService(table, record)
      const { scheduler } = checkServiceOptions(key, options)
      if (options.localAddresses) {
        checkLocals(key, options.localAddresses)
        writeLocals(table, slot, options.localAddresses)
      }
      const before = liveServiceOptions(table.service(slot)).scheduler
      if (scheduler !== before) prepare(table, slot, scheduler)
      noteTimeouts(table, options)
      publishServiceOptions(table, slot, (next) => writeServiceOptions(next, key, options))
      if (scheduler !== before) restartScheduler(table, slot)
    })
  }

  /**
   * Adds local addresses of full NAT to a service.
   * @throws SluiceError SLUICE_BAD_LOCAL_ADDRESS for one that is not this host's, and where there are too many
   */
  addLocalAddresses(key: ServiceKey, addresses: readonly string[]): void {
    this.#editLocals(key, (before) => {
      const after = [...before, ...addresses]
      checkLocals(key, after)
      return after
    })
  }

  /**
   * Takes local addresses from a service; connections that have them keep them.
   * @throws SluiceError SLUICE_BAD_LOCAL_ADDRESS for one that it does not have
   */
  deleteLocalAddresses(key: ServiceKey, addresses: readonly string[]): void {
    this.#editLocals(key, (before) => {
      for (const address of addresses)
        if (!before.includes(address))
          throw new SluiceError('SLUICE_BAD_LOCAL_ADDRESS', { address, reason: 'the service does not have it' })
      return before.filter((address) => !addresses.includes(address))
    })
  }

  #editLocals(key: ServiceKey, change: (before: string[]) => string[]): void {
    const record = keyRecord(key)
    this.#edit(false, (table) => {
      const slot = findService(table, record)
      writeLocals(table, slot, change(readLocals(table, slot)))
    })
  }

  /** The local addresses of one service, or of all, in the order of adding. */
  localAddresses(key?: ServiceKey): LocalAddress[] {
    const found = key ? [this.service(key)] : this.services()
    if (key && !found[0]) throw new IpvsError('ESRCH', 'no such service')
    return this.#read([], (table) =>
      found.flatMap((service) =>
        (service?.options.localAddresses ?? []).map((address) => ({
          service: (service as Service).key,
          address,
          connections: localConnections(table, address),
        })),
      ),
    )
  }

  /** The ports that full NAT takes of its local addresses. */
  localPorts(): PortRange {
    return this.#read(defaultLocalPorts(), ({ settings }) => ({
      low: settings.localPortLow,
      high: settings.localPortHigh,
    }))
  }

  /** Connections keep the ports that they have. @throws SluiceError SLUICE_BAD_PORTS */
  setLocalPorts({ low, high }: PortRange): void {
    if (!(Number.isInteger(low) && Number.isInteger(high) && low >= 1 && low <= high && high <= 65535))
      throw new SluiceError('SLUICE_BAD_PORTS', { text: `${low}-${high}` })
    this.#edit(true, ({ settings }) => {
      // packets find an empty range, or a part of the old or the new one
      settings.localPortLow = 65535
      settings.localPortHigh = high
      settings.localPortLow = low
    })
  }

  deleteService(key: ServiceKey): void {
    const record = keyRecord(key)
    this.#edit(false, (table) => removeService(table, findService(table, record)))
  }

  flush(): void {
    if (!this.#table) return
    this.#edit(false, (table) => {
      for (const slot of [...table.indexedServices()]) removeService(table, slot)
    })
  }

  addServer(service: ServiceKey, server: ServerKey, options: ServerOptions): void {
    const record = keyRecord(service)
    this.#edit(false, (table, slots) => {
      const owner = findService(table, record)
      checkServerOptions(service, server, options)
      if (findServer(table, owner, server) !== undefined) throw new IpvsError('EEXIST', 'the server exists')
      if (familyOf(server.address) !== familyOfKey(service) && runningDaemons().length > 0)
        throw new IpvsError('EINVAL', 'a synchronization daemon runs, whose messages have one family')
      if (!isUnicast(server.address)) throw new IpvsError('EINVAL', `${server.address} is not a unicast address`)
      refuseServer(server, options)
      const place = placeOf(server, options)
      this.#meetOwnServer(table, place, options)
      const known = slots.findTrash(placeBytes(server), (trash) => sameBytes(trash.owner.bytes(), record.bytes()))
      if (known !== undefined) {
        // it comes back to its connections; to its counters only while its service is still the same one
        const back = table.server(known)
        if (back.service !== owner) zeroCounters(table, serverCounters(known))
        table.settings.trash -= 1
        back.lastWeight = options.weight
        publishServerOptions(table, known, (live) => writeServerOptions(live, options, place))
        judgeOverload(back)
        linkServer(table, owner, known)
        return
      }
      const slot = slots.takeServer()
      const fresh = table.server(slot)
      fresh.bytes().fill(0)
      fresh.addressBytes().set(parseAddress(server.address))
      fresh.port = server.port
      fresh.family = familyOf(server.address)
      fresh.owner.bytes().set(record.bytes())
      fresh.stamp = table.takeStamp()
      fresh.lastWeight = options.weight
      writeServerOptions(fresh.options(0), options, place)
      linkServer(table, owner, slot)
    })
  }

  /** A server of NAT that is the director itself answers by the director's own stack: its packets are met at egress. */
  #meetOwnServer(table: Table, { local }: ServerPlace, { method }: ServerOptions): void {
    if (local && method === 'masq' && this.options.attach !== false) attachOutput(table)
  }

  editServer(service: ServiceKey, server: ServerKey, options: ServerOptions): void {
    const record = keyRecord(service)
    this.#edit(false, (table) => {
      const owner = findService(table, record)
      checkServerOptions(service, server, options)
      const slot = findServer(table, owner, server)
      if (slot === undefined) throw new IpvsError('ENOENT', 'no such server')
      refuseServer(server, options)
      const place = placeOf(server, options)
      this.#meetOwnServer(table, place, options)
      if (options.weight !== 0) table.server(slot).lastWeight = options.weight
      publishServerOptions(table, slot, (live) => writeServerOptions(live, options, place))
      judgeOverload(table.server(slot))
      weightsChanged(table, owner)
    })
  }

  deleteServer(service: ServiceKey, server: ServerKey): void {
    const record = keyRecord(service)
    this.#edit(false, (table) => {
      const owner = findService(table, record)
      const slot = findServer(table, owner, server)
      if (slot === undefined) throw new IpvsError('ENOENT', 'no such server')
      unlinkServer(table, owner, slot)
    })
  }

  services(parts: ServiceParts = {}): Service[] {
    return this.#read([], (table) => {
      const found: ServiceRecord[] = []
      const slots = new Map<ServiceRecord, number>()
      for (let slot = 1; slot < table.settings.serviceTop; slot += 1) {
        const record = table.service(slot)
        if (record.slotState !== SluiceSlot.LIVE) continue
        found.push(record)
        slots.set(record, slot)
      }
      found.sort((a, b) => (a.order < b.order ? -1 : 1))
      return found.map((record) => readService(table, slots.get(record) as number, parts))
    })
  }

  service(key: ServiceKey): Service | undefined {
    const record = keyRecord(key)
    return this.#read(undefined, (table) => {
      const slot = table.findService(record)
      return slot === undefined ? undefined : readService(table, slot)
    })
  }

  zero(key?: ServiceKey): void {
    const record = key && keyRecord(key)
    if (!this.#table && record === undefined) return
    this.#edit(false, (table) => {
      for (const slot of record ? [findService(table, record)] : [...table.indexedServices()]) {
        zeroCounters(table, serviceCounters(slot))
        for (const server of serverSlots(table, slot)) zeroCounters(table, serverCounters(server))
      }
      if (!record) zeroTotals(table)
    })
  }

  /** Counters and rates of all services together, deleted ones included. */
  totals(): Totals {
    return this.#read(noTotals, (table) => ({
      counters: readCounters(table, TOTALS, table.totalCounters()),
      rates: readRates(table, TOTALS),
    }))
  }

  timeouts(): Timeouts {
    return this.#read(defaultTimeouts, ({ settings }) => ({
      tcp: settings.timeout(timeoutStates.tcp),
      tcpFin: settings.timeout(timeoutStates.tcpFin),
      udp: settings.timeout(timeoutStates.udp),
    }))
  }

  setTimeouts(timeouts: Partial<Timeouts>): void {
    this.#edit(true, ({ settings }) => {
      for (const name of ['tcp', 'tcpFin', 'udp'] as const) {
        const seconds = timeouts[name]
        if (seconds) settings.setTimeout(timeoutStates[name], seconds)
      }
    })
  }

  sysctls(): Sysctl[] {
    const defaults = defaultSysctls()
    const words = this.#read(defaults, sysctlWords)
    return sysctlNames.map((name) => readSysctl(name, words, defaults))
  }

  setSysctl(key: string, value: string): void {
    // what is refused creates no table
    writeSysctl(key, value, this.#read(defaultSysctls(), sysctlWords))
    this.#edit(true, (table) => {
      const words = sysctlWords(table)
      writeSysctl(key, value, words)
      for (const [index, word] of words.entries()) table.settings.setSysctl(index, word)
    })
  }

  markRules(): MarkRule[] {
    return this.#read([], readMarkRules)
  }

  editMarkRules(change: (rules: readonly MarkRule[]) => readonly MarkRule[]): void {
    // what is refused creates no table
    checkMarkRules(change(this.markRules()))
    this.#edit(true, (table) => writeMarkRules(table, change(readMarkRules(table))))
  }

  connections(): Connection[] {
    const table = this.#open()
    if (!table) return []
    const now = monotonicNs()
    const found: Connection[] = []
    for (const stored of table.connections()) {
      const { connection, wide } = stored
      const left = Number((connection.expires - now) / 1_000_000_000n)
      const server = table.server(connection.server)
      const [record, offset] = wide
        ? ([wide, Connection6Record.OFFSET] as const)
        : ([connection, ConnectionRecord.OFFSET] as const)
      const address = (field: 'caddr' | 'vaddr') =>
        formatAddress(record.bytes().subarray(offset[field]), connection.family)
      found.push({
        protocol: connection.protocol === 0 ? 'ip' : protocolName(connection.protocol),
        state: stateOf(connection),
        expires: Math.max(0, left),
        client: { address: address('caddr'), port: connection.cport },
        virtual: { address: address('vaddr'), port: connection.vport },
        // slot 0 is nobody: the connection goes past all servers
        server: {
          address: formatAddress(server.addressBytes(), connection.server ? server.family : connection.family),
          port: connection.dport,
        },
        ...engineOf(table, stored),
      })
    }
    return found
  }

  /** The table's connections, as a synchronization daemon reads and writes them; for as long as this object is open. */
  exchange(): ConnectionExchange {
    return new ConnectionExchange(() => this.#open())
  }

  daemons(): SyncDaemon[] {
    return runningDaemons().map(({ process: _, ...daemon }) => daemon)
  }

  /**
   * Does several edits under one lock. Each is atomic for packets by itself; another process waits for the last of them. It
   * should not take long, nor wait for anything.
   */
  batch<T>(work: () => T): T {
    if (this.#batch) return work()
    const batch: Batch = {}
    this.#batch = batch
    try {
      return withAddressesKept(work)
    } finally {
      this.#batch = undefined
      if (batch.lock) {
        batch.lock.release()
        // who waits looks every few milliseconds, and would never find it free between two batches
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TURN_MS)
      }
    }
  }

  /** Lets others have the table in the middle of a batch: its next edit takes it again. */
  #yield(): void {
    this.#batch?.lock?.release()
    if (this.#batch) delete this.#batch.lock
  }

  startDaemon(state: DaemonState, options: SyncDaemonOptions): void {
    // their messages have one family for client, service and server
    if (
      this.services().some(({ key, servers }) => servers.some(({ address }) => familyOf(address) !== familyOfKey(key)))
    )
      throw new IpvsError('EINVAL', 'a tunnel leads to another family')
    const bufferSize = this.#read(0, ({ settings }) => settings.sysctl(SluiceSysctl.SYNC_SOCK_SIZE))
    this.#yield()
    startDaemonProcess(state, options, Math.max(0, bufferSize))
  }

  stopDaemon(state: DaemonState): void {
    this.#yield()
    stopDaemonProcess(state)
  }

  close(): void {
    this.#yield()
    this.#table?.close()
    this.#table = undefined
    this.#slots = undefined
  }

  /** The table, looked for again where another process may have made it meanwhile. */
  #open(): Table | undefined {
    if (this.#batch?.lock) return this.#table
    if (this.#table && !this.#table.exists()) this.close()
    this.#table ??= openTable()
    return this.#table
  }

  #read<T>(none: T, read: (table: Table) => T): T {
    for (;;) {
      const table = this.#open()
      if (!table) return none
      if (this.#batch?.lock) return read(table)
      const held = table.lock('shared')
      try {
        // another version may have taken over while the lock was waited for
        if (table.exists()) return read(table)
      } finally {
        held.release()
      }
    }
  }

  /** Runs an edit under the lock. */
  #edit(create: boolean, change: (table: Table, slots: Slots) => void): void {
    for (;;) {
      let table = this.#open()
      if (!table) {
        if (!create) throw new IpvsError('ESRCH', 'no such service')
        reapDeadTables()
        table = this.#table = openOrCreateTable(this.options)
      }
      const held = this.#batch?.lock ?? table.lock('exclusive')
      let keep = this.#batch?.lock !== undefined
      try {
        if (!keep && !table.exists()) continue
        if (this.#batch) {
          this.#batch.lock = held
          keep = true
        }
        this.#change(table, change)
        return
      } finally {
        if (!keep) held.release()
      }
    }
  }

  /** An edit, with the journal open from its first write to its last. */
  #change(table: Table, change: (table: Table, slots: Slots) => void): void {
    try {
      if (table.settings.journal !== 0) repair(table)
      if (this.#slots?.table !== table) this.#slots = new Slots(table)
      table.settings.journal = 1
      change(table, this.#slots)
    } catch (error) {
      // a refusal comes before the first write; anything else may have come after it
      if (!(error instanceof IpvsError || SluiceError.is(error))) repair(table)
      throw error
    } finally {
      table.settings.journal = 0
    }
  }
}

/** What a persistence engine knows the client of a template by. */
function engineOf(table: Table, { id, connection }: StoredConnection): Pick<Connection, 'engine'> {
  if (connection.kind !== SluiceKind.TEMPLATE) return {}
  const name = engineName(connection.lport)
  const call = name && table.callOf(id, connection.family)
  return call ? { engine: { name, data: Buffer.from(call).toString('latin1') } } : {}
}

function stateOf({ kind, status }: ConnectionRecord): string {
  const state = status & SluiceStatus.STATE_MASK
  return kind === SluiceKind.TEMPLATE ? (SluiceTemplateName[state] ?? 'NONE') : stateName(state)
}

/** Packets look for a service's timeouts only once some service has any. */
function noteTimeouts({ settings }: Table, { timeouts }: ServiceOptions): void {
  if (Object.values(timeouts ?? {}).some(Boolean)) settings.serviceTimeouts = 1
}

function sysctlWords({ settings }: Table): Int32Array {
  return Int32Array.from({ length: SluiceSysctl.COUNT }, (_, index) => settings.sysctl(index))
}

function placeOf(server: ServerKey, options: ServerOptions): ServerPlace {
  return {
    local: isLocal(server.address),
    tunnelSource: options.method === 'tunnel' ? tunnelSource(server.address) : new Uint8Array(16),
  }
}

const familyOfKey = (key: ServiceKey) =>
  'fwmark' in key ? (key.family === 'inet6' ? SluiceFamily.INET6 : SluiceFamily.INET) : familyOf(key.address)

function findService(table: Table, key: ServiceKeyRecord): number {
  const slot = table.findService(key)
  if (slot === undefined) throw new IpvsError('ESRCH', 'no such service')
  return slot
}

const placeBytes = ({ address, port }: ServerKey): ServerPlaceBytes => ({
  address: parseAddress(address),
  port,
  family: familyOf(address),
})

/** A service's server, by its address and port. */
function findServer(table: Table, service: number, key: ServerKey): number | undefined {
  const { address, port, family } = placeBytes(key)
  for (const slot of serverSlots(table, service)) {
    const server = table.server(slot)
    if (server.port === port && server.family === family && sameBytes(server.addressBytes(), address)) return slot
  }
  return undefined
}

function removeService(table: Table, slot: number): void {
  const service = table.service(slot)
  const key = ServiceKeyRecord.allocate()
  key.bytes().set(service.key.bytes())
  table.removeService(key)
  writeLocals(table, slot, [])
  for (const server of [...serverSlots(table, slot)]) {
    discardServer(table, server)
    table.server(server).service = 0
  }
  service.slotState = SluiceSlot.FREE
  countService(table, readKey(key), -1)
  table.publishMaglev(slot, undefined)
}

/** As the datapath does (`server_judge_overload`), for the thresholds that were just written. */
function judgeOverload(server: ServerRecord): void {
  const { upper, lower } = liveServerOptions(server)
  const total = server.active + server.inactive
  if (upper !== 0 && total >= upper) server.overloaded = 1
  else if (upper === 0 || (lower ? total < lower : total * 4 < upper * 3)) server.overloaded = 0
}

function readService(table: Table, slot: number, { counts = true }: ServiceParts = {}): Service {
  const service = table.service(slot)
  const key = readKey(service.key)
  return {
    key,
    options: { ...readServiceOptions(liveServiceOptions(service), key), ...locals(readLocals(table, slot)) },
    counters: counts ? readCounters(table, serviceCounters(slot)) : noCounts,
    rates: counts ? readRates(table, serviceCounters(slot)) : noCounts,
    servers: Array.from(serverSlots(table, slot), (server) => readServer(table, server, counts)),
  }
}

const locals = (localAddresses: string[]) => (localAddresses.length > 0 ? { localAddresses } : {})

function readServer(table: Table, slot: number, counts: boolean): Server {
  const server = table.server(slot)
  return {
    address: formatAddress(server.addressBytes(), server.family),
    port: server.port,
    ...readServerOptions(liveServerOptions(server)),
    active: server.active,
    inactive: server.inactive,
    persistent: server.persistent,
    counters: counts ? readCounters(table, serverCounters(slot)) : noCounts,
    rates: counts ? readRates(table, serverCounters(slot)) : noCounts,
  }
}

function readCounters(table: Table, row: number, now: CounterValues = table.counters(row)): Counters {
  const base = table.counterBase(row)
  const [connections, inPackets, outPackets, inBytes, outBytes] = now
  return {
    connections: connections - base.connections,
    inPackets: inPackets - base.inPackets,
    outPackets: outPackets - base.outPackets,
    inBytes: inBytes - base.inBytes,
    outBytes: outBytes - base.outBytes,
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
