import {
  type ArrivalRecord,
  Connection6Record,
  ConnectionRecord,
  maps,
  type ServerRecord,
  SluiceArrival,
  SluiceFamily,
  SluiceKind,
  SluiceMethod,
  SluiceProtocol,
  SluiceSlot,
  SluiceState,
  SluiceStatus,
  SluiceSysctl,
  SluiceTemplate,
  type Table,
} from '../datapath/index.js'
import { monotonicNs } from '../kernel/index.js'
import { formatAddress } from './address.js'
import type { ConnectionEntry, ConnectionSight, Insertion } from './connection-entry.js'
import { serverSlots } from './edit.js'
import { liveServiceOptions } from './live.js'
import { keyRecord } from './records.js'
import type { ForwardingMethod, Protocol } from './types.js'

/** `net.ipv4.vs.sync_*`, as they stand in the table. */
export interface SynchronizationRules {
  readonly threshold: number
  readonly period: number
  /** Seconds. */
  readonly refreshPeriod: number
  readonly retries: number
  readonly templatesOnly: boolean
  readonly ports: number
}

const { OFFSET } = ConnectionRecord

const results: Readonly<Record<number, Insertion>> = {
  [SluiceArrival.MADE]: 'made',
  [SluiceArrival.UPDATED]: 'updated',
  [SluiceArrival.NO_SERVER]: 'no-server',
  [SluiceArrival.OTHER]: 'other',
}

const methods: readonly [number, ForwardingMethod][] = [
  [SluiceMethod.MASQ, 'masq'],
  [SluiceMethod.ROUTE, 'route'],
  [SluiceMethod.TUNNEL, 'tunnel'],
  [SluiceMethod.LOCAL, 'local'],
]

const protocols: ReadonlyMap<number, Protocol> = new Map([
  [SluiceProtocol.TCP, 'tcp'],
  [SluiceProtocol.UDP, 'udp'],
  [SluiceProtocol.SCTP, 'sctp'],
])

/** What of a status is told; the rest is the wheel's. */
const LOOKED_AT = SluiceStatus.STATE_MASK | SluiceStatus.INACTIVE | SluiceStatus.NO_OUTPUT | SluiceStatus.LIVE

const FTP = 21

/** A template's, once it is out of use. */
const INVALID_PORT = 0xffff

/** Seconds that anything may live: what fits the datapath's arithmetic, and more than anybody waits for. */
const LONGEST = 0x7fff_ffff

/** The connections of a table, as directors exchange them: looked at in shared memory, and taken in by the datapath. */
export class ConnectionExchange {
  #table: Table | undefined
  #memory: readonly [Memory, Memory] = [nothing, nothing]
  /** Of each record a mark of how it was. */
  readonly #seen: [Uint32Array, Uint32Array] = [new Uint32Array(0), new Uint32Array(0)]
  readonly #sights: [MutableSight, MutableSight] = [newSight(), newSight()]

  constructor(readonly open: () => Table | undefined) {}

  /** The rules of sending, undefined where there is no table. The methods that follow look at the table of this moment. */
  rules(): SynchronizationRules | undefined {
    this.#table = this.open()
    if (!this.#table) {
      // its memory went with it
      this.#memory = [nothing, nothing]
      return undefined
    }
    this.#memory = [this.#table.connectionMemory(0), this.#table.connectionMemory(1)]
    const { settings } = this.#table
    return {
      threshold: settings.sysctl(SluiceSysctl.SYNC_THRESHOLD),
      period: settings.sysctl(SluiceSysctl.SYNC_PERIOD),
      refreshPeriod: settings.sysctl(SluiceSysctl.SYNC_REFRESH_PERIOD),
      retries: settings.sysctl(SluiceSysctl.SYNC_RETRIES),
      templatesOnly: settings.sysctl(SluiceSysctl.SYNC_PERSIST_MODE) !== 0,
      ports: settings.sysctl(SluiceSysctl.SYNC_PORTS),
    }
  }

  /** Tells packets that a backup daemon runs, for `backup_only`; 0 seconds: no more. Nothing where there is no table. */
  backupRuns(seconds: number): void {
    const table = this.open()
    if (table) table.settings.backupUntil = seconds > 0 ? monotonicNs() + BigInt(seconds) * 1_000_000_000n : 0n
  }

  /** Of each family: records from there on were never used. */
  tops(): readonly [number, number] {
    return [this.#memory[0].top, this.#memory[1].top]
  }

  /**
   * The first record of [from, to) that holds a connection which this method has not given back since its last packet or
   * change of state; `to` where there is none. Quick: a look at a record that stayed as it was costs some nanoseconds.
   */
  nextChanged(family: 0 | 1, from: number, to: number): number {
    const { view, size, top } = this.#memory[family]
    let seen = this.#seen[family]
    if (seen.length < top) {
      const more = new Uint32Array(Math.max(top, 2 * seen.length))
      more.set(seen)
      seen = more
      this.#seen[family] = more
    }
    const words = new Uint32Array(view.buffer, view.byteOffset, (top * size) / 4)
    const end = Math.min(to, top)
    for (let id = from; id < end; id += 1) {
      const base = (id * size) / 4
      const status = (words[base + OFFSET.status / 4] as number) & LOOKED_AT
      if (!(status & SluiceStatus.LIVE)) continue
      const packets = words[base + OFFSET.inPackets / 4] as number
      const generation = words[base + OFFSET.generation / 4] as number
      const mark = (Math.imul(packets, 0x9e3779b1) ^ Math.imul(generation, 0x85ebca6b) ^ status) >>> 0
      if (mark === seen[id]) continue
      seen[id] = mark
      return id
    }
    return to
  }

  /** A connection by its record; undefined where there is none. What is given back is overwritten by the next look. */
  sight(family: 0 | 1, id: number): ConnectionSight | undefined {
    return this.#look(family, id, this.#sights[0])
  }

  /** The template that a connection counts on. What is given back is overwritten by the next look at a template. */
  parent(family: 0 | 1, id: number): ConnectionSight | undefined {
    const { view, size } = this.#memory[family]
    const parent = view.getUint32(id * size + OFFSET.parent, true)
    const sight = parent === 0 ? undefined : this.#look(family, parent, this.#sights[1])
    return sight?.template ? sight : undefined
  }

  #look(family: 0 | 1, id: number, sight: MutableSight): ConnectionSight | undefined {
    const table = this.#table
    if (!table) return undefined
    const { view, size } = this.#memory[family]
    const base = id * size
    const status = view.getUint32(base + OFFSET.status, true)
    if (!(status & SluiceStatus.LIVE)) return undefined
    const state = status & SluiceStatus.STATE_MASK
    const parent = view.getUint32(base + OFFSET.parent, true)
    sight.family = family
    sight.id = id
    sight.generation = view.getUint32(base + OFFSET.generation, true)
    sight.template = view.getUint8(base + OFFSET.kind) === SluiceKind.TEMPLATE
    sight.controlled = !sight.template && parent !== 0
    sight.protocol = view.getUint8(base + OFFSET.protocol)
    sight.state = sight.template ? state : wireState(sight.protocol, state)
    sight.packets = view.getUint32(base + OFFSET.inPackets, true)
    sight.told = (status & SluiceStatus.TOLD) !== 0
    sight.timeout = sight.template ? parent : table.settings.timeout(state)
    return sight
  }

  /** All that is told of a connection; undefined where its record has become another one's, or its server is gone. */
  entry({ family, id, generation, template, timeout }: ConnectionSight): ConnectionEntry | undefined {
    const table = this.#table
    if (!table) return undefined
    const { view, size } = this.#memory[family]
    const record = new ConnectionRecord(view, id * size)
    // the messages have no place for a local address and port; who has no server needs nobody to know of it
    if (record.method === SluiceMethod.FULLNAT || record.method === SluiceMethod.BYPASS) return undefined
    // a template that serves nobody any more has no port
    if (template && record.vport === INVALID_PORT) return undefined
    const server = table.server(record.server)
    const length = family === 0 ? 4 : 16
    const [clientAt, virtualAt] =
      family === 0 ? [OFFSET.caddr, OFFSET.vaddr] : [Connection6Record.OFFSET.caddr, Connection6Record.OFFSET.vaddr]
    const start = view.byteOffset + id * size
    const bytes = (at: number) => new Uint8Array(view.buffer.slice(start + at, start + at + length))
    const { status } = record
    const left = Number((record.expires - monotonicNs()) / 1_000_000n) / 1000
    const entry: ConnectionEntry = {
      family: family === 0 ? 'inet' : 'inet6',
      protocol: record.protocol,
      template,
      clientAddress: bytes(clientAt),
      clientPort: record.cport,
      virtualAddress: bytes(virtualAt),
      virtualPort: record.vport,
      serverAddress: server.addressBytes().slice(0, length),
      serverPort: record.dport,
      fwmark: server.owner.fwmark,
      method: methods.find(([method]) => method === record.method)?.[1] ?? 'route',
      state: template ? status & SluiceStatus.STATE_MASK : wireState(record.protocol, status & SluiceStatus.STATE_MASK),
      inactive: (status & SluiceStatus.INACTIVE) !== 0,
      noOutput: (status & SluiceStatus.NO_OUTPUT) !== 0,
      timeout: template ? timeout : Math.max(1, Math.ceil(left)),
    }
    // read while another one began in the same record: it is told when it is looked at
    if (!(record.status & SluiceStatus.LIVE) || record.generation !== generation) return undefined
    return (server.family === SluiceFamily.INET6) === (family === 1) ? entry : undefined
  }

  /**
   * Takes connections into the table, for when their packets come here. The forwarding method is the server's own.
   * @param resync they are no news: what began here, or has had packets here, stays as it is
   * @returns a result for each, in their order
   */
  insert(entries: readonly ConnectionEntry[], resync = false): Insertion[] {
    const found: Insertion[] = []
    while (found.length < entries.length) {
      const some = entries.slice(found.length, found.length + maps.arrivals.maxEntries)
      const table = this.open()
      if (table) found.push(...(insertSome(table, some, resync) ?? []))
      else found.push(...some.map(() => 'no-server' as const))
    }
    return found
  }
}

type Memory = ReturnType<Table['connectionMemory']>

const nothing: Memory = { view: new DataView(new ArrayBuffer(0)), size: 0, top: 0 }

type MutableSight = { -readonly [K in keyof ConnectionSight]: ConnectionSight[K] }

const newSight = (): MutableSight => ({
  family: 0,
  id: 0,
  generation: 0,
  template: false,
  controlled: false,
  protocol: 0,
  state: 0,
  packets: 0,
  timeout: 0,
  told: false,
})

/** IPVS numbers each protocol's states from 0; the datapath has one list. */
const firstStates: ReadonlyMap<number, number> = new Map([
  [SluiceProtocol.UDP, SluiceState.UDP],
  [SluiceProtocol.SCTP, SluiceState.SCTP_NONE],
])
const wireState = (protocol: number, state: number) => state - (firstStates.get(protocol) ?? 0)
const ownState = ({ protocol, state }: ConnectionEntry) => (firstStates.get(protocol) ?? 0) + state

/** A template of a firewall mark is one for all protocols. */
const isSupported = ({ protocol, template, fwmark }: ConnectionEntry) =>
  protocols.has(protocol) || (template && fwmark !== 0)

/** Undefined: another version of the program took over while the lock was waited for. */
function insertSome(table: Table, entries: readonly ConnectionEntry[], resync: boolean): Insertion[] | undefined {
  const held = table.lock('exclusive')
  try {
    if (!table.exists()) return undefined
    const servers = new Servers(table)
    const found: Insertion[] = []
    const taken: { entry: ConnectionEntry; server: number; index: number }[] = []
    for (const [index, entry] of entries.entries()) {
      const server = isSupported(entry) ? servers.find(entry) : undefined
      if (server !== undefined) taken.push({ entry, server, index })
      found.push(isSupported(entry) ? 'no-server' : 'unsupported')
    }
    if (taken.length === 0) return found
    const packets = table.settings.sysctl(SluiceSysctl.SYNC_THRESHOLD)
    table.arrive(
      taken.length,
      (arrival, i) => {
        const { entry, server } = taken[i] as (typeof taken)[number]
        arrival.server = server
        arrival.packets = packets
        arrival.resync = resync ? 1 : 0
        if (entry.template) arrival.lasts = lastsHere(table, server) || (entry.timeout ?? 0)
        writeArrival(arrival, entry, table)
      },
      (result, i) => {
        found[(taken[i] as (typeof taken)[number]).index] = results[result] ?? 'full'
      },
    )
    return found
  } finally {
    held.release()
  }
}

function writeArrival(arrival: ArrivalRecord, entry: ConnectionEntry, table: Table): void {
  const { request } = arrival
  const bytes = request.bytes()
  bytes.set(entry.clientAddress, 0)
  bytes.set(entry.virtualAddress, 16)
  request.sport = entry.clientPort
  request.dport = entry.virtualPort
  request.protocol = entry.protocol
  request.family = entry.family === 'inet' ? SluiceFamily.INET : SluiceFamily.INET6
  request.kind = entry.template ? SluiceKind.TEMPLATE : SluiceKind.FLOW
  const state = entry.template ? entry.state & SluiceTemplate.ASSURED : ownState(entry)
  arrival.status = state | (entry.inactive ? SluiceStatus.INACTIVE : 0)
  arrival.timeout = Math.min(entry.timeout ?? table.settings.timeout(state), LONGEST)
  arrival.dport = entry.serverPort
}

/** Seconds that a template lives after its last use, by its service here. */
function lastsHere(table: Table, server: number): number {
  return liveServiceOptions(table.service(table.server(server).service)).persistence
}

/** Which server of this table an entry means; remembered for one batch, while nobody else may edit. */
class Servers {
  readonly #services = new Map<string, Map<string, number> | undefined>()

  constructor(readonly table: Table) {}

  find(entry: ConnectionEntry): number | undefined {
    const servers = this.#serversOf(entry)
    const address = addressKey(entry.serverAddress)
    // with direct routing and tunnels a server may stand without a port; in a template for several ports it does
    return (
      servers?.get(`${address},${entry.serverPort}`) ??
      servers?.get(`${address},0`) ??
      (entry.template && entry.serverPort === 0 ? servers?.get(address) : undefined)
    )
  }

  #serversOf(entry: ConnectionEntry): Map<string, number> | undefined {
    const { fwmark, virtualPort, protocol, family } = entry
    const name = `${fwmark || addressKey(entry.virtualAddress)},${virtualPort},${protocol},${family},${entry.template}`
    if (!this.#services.has(name)) this.#services.set(name, this.#read(entry))
    return this.#services.get(name)
  }

  #read(entry: ConnectionEntry): Map<string, number> | undefined {
    const slot = this.#service(entry)
    if (slot === undefined) return undefined
    const servers = new Map<string, number>()
    for (const server of serverSlots(this.table, slot)) {
      const record = this.table.server(server)
      if (record.slotState !== SluiceSlot.LIVE) continue
      const address = addressKey(addressOf(record))
      servers.set(`${address},${record.port}`, server)
      if (!servers.has(address)) servers.set(address, server)
    }
    return servers
  }

  #service(entry: ConnectionEntry): number | undefined {
    const { fwmark, family, virtualAddress, virtualPort, protocol } = entry
    if (fwmark !== 0) return this.table.findService(keyRecord({ fwmark, family }))
    const name = protocols.get(protocol)
    if (!name) return undefined
    const address = formatAddress(virtualAddress, family === 'inet' ? SluiceFamily.INET : SluiceFamily.INET6)
    // a service of every port stands behind those of one; FTP's template is for its data's ports too
    const ports = virtualPort !== 0 ? [virtualPort, 0] : entry.template ? [0, FTP] : [0]
    for (const port of ports) {
      const found = this.table.findService(keyRecord({ protocol: name, address, port }))
      if (found !== undefined) return found
    }
    return undefined
  }
}

const addressOf = (record: ServerRecord) =>
  record.addressBytes().subarray(0, record.family === SluiceFamily.INET6 ? 16 : 4)

const addressKey = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
