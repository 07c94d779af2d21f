import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import {
  closeFd,
  type Fd,
  KernelError,
  type Lock,
  lock,
  mapDelete,
  mapEntries,
  mapLookup,
  mapMmap,
  mapNextKey,
  mapUpdate,
  munmap,
  objGet,
  possibleCpus,
  progTestRun,
} from '../kernel/index.js'
import {
  ArrivalRecord,
  AttachmentRecord,
  CallKeyRecord,
  Connection6Record,
  ConnectionRecord,
  CountersRecord,
  FastDeviceRecord,
  Flow4Record,
  FlowEntryRecord,
  FlowRecord,
  LocalAddressRecord,
  MaglevRecord,
  MarkRuleRecord,
  maps,
  RatesRecord,
  SelfRecord,
  ServerRecord,
  type ServiceKeyRecord,
  ServiceRecord,
  SettingsRecord,
  SluiceArrival,
  SluiceFamily,
  SluiceStatus,
  TurnRecord,
  WatermarkRecord,
} from './layouts.js'
import { ANY_FRAME, LAYOUT_VERSION, TURN } from './load.js'
import { pin, pinName, pinRoot } from './pins.js'

const BPF_ANY = 0
const BPF_NOEXIST = 1

/** Slots of both tables on one CPU: services first, servers after them. */
const COUNTER_STRIDE = maps.services.maxEntries + maps.servers.maxEntries

/** Words of a CPU's row of tallies, and where its events begin (bpf/maps.h). */
const TALLIES = maps.tallies.maxEntries
const EVENT_TALLY = 32

/** Where a slot's counters stand in a row. */
export const serviceCounters = (slot: number) => slot
export const serverCounters = (slot: number) => maps.services.maxEntries + slot
/** The row of all services together, in the maps of bases and rates. */
export const TOTALS = 0

/** Five counters: connections, packets in and out, bytes in and out. */
export type CounterValues = [bigint, bigint, bigint, bigint, bigint]

/** What the kernel keeps with each element of a hash map, and for each of its buckets, bytes (struct htab_elem, bucket). */
const HASH_ELEMENT = 48
const HASH_BUCKET = 16

const round8 = (bytes: number) => (bytes + 7) & ~7

/** A connection's record in shared memory; `wide` holds an IPv6 connection's addresses. */
export interface StoredConnection {
  readonly id: number
  readonly connection: ConnectionRecord
  readonly wide?: Connection6Record
}

/** A real server as its record names it. */
export interface ServerPlaceBytes {
  /** Sixteen bytes. */
  readonly address: Uint8Array
  readonly port: number
  /** `SluiceFamily` */
  readonly family: number
}

interface Mapped {
  readonly view: DataView
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly longs: BigInt64Array
}

/**
 * The maps of one namespace's table, as typed records in shared memory: reading and writing costs no system call.
 * It knows how records are stored, not what they mean: that is `Director`'s.
 */
export class Table {
  readonly settings: SettingsRecord
  readonly #fds = new Map<string, number>()
  readonly #memory = new Map<string, { buffer: ArrayBuffer; mapped: Mapped }>()
  readonly #cpus = possibleCpus()
  readonly #turn: TurnRecord
  /** Of the program and its maps: an upgrade makes the next one. */
  readonly generation: number

  private constructor(readonly directory: string) {
    this.settings = new SettingsRecord(this.#map(maps.settings.name, SettingsRecord.SIZE).view, 0)
    if (this.settings.layout !== LAYOUT_VERSION) {
      const found = this.settings.layout
      this.close()
      throw new SluiceError('SLUICE_LAYOUT', { path: directory, found, wanted: LAYOUT_VERSION })
    }
    this.#turn = new TurnRecord(this.#map(pin.turn, TurnRecord.SIZE).view, 0)
    this.generation = new SelfRecord(this.#map(maps.self.name, SelfRecord.SIZE).view, 0).generation
  }

  /** This namespace's table, or undefined where none has been made yet. */
  static open(): Table | undefined {
    const directory = join(pinRoot(), pinName())
    return existsSync(directory) ? new Table(directory) : undefined
  }

  /** The table that is pinned in a directory. */
  static at(directory: string): Table {
    return new Table(directory)
  }

  /** Takes the table for an edit; another process waits. A crash releases it. */
  lock(kind: 'shared' | 'exclusive'): Lock {
    return lock(this.directory, kind)
  }

  /** False once the table was removed (`sluice detach --flush`), or another version took over, while this process held it open. */
  exists(): boolean {
    if (this.#turn.generation !== this.generation) return false
    try {
      statSync(join(this.directory, maps.settings.name))
      return true
    } catch {
      return false
    }
  }

  /** What another object's programs share with this table: the descriptor of each map, which stays this table's. */
  mapFds(): Record<string, Fd> {
    return Object.fromEntries([
      ...Object.values(maps).map(({ name }) => [name, this.#fd(name)]),
      [TURN, this.#fd(pin.turn)],
    ])
  }

  /** What the fast path knows of the device that stands in this entry. */
  fastDevice(index: number): FastDeviceRecord {
    const { view } = this.#map(maps.fastDevices.name, maps.fastDevices.maxEntries * FastDeviceRecord.SIZE)
    return new FastDeviceRecord(view, index * FastDeviceRecord.SIZE)
  }

  #fd(name: string): number {
    let fd = this.#fds.get(name)
    if (fd === undefined) {
      fd = objGet(join(this.directory, name))
      this.#fds.set(name, fd)
    }
    return fd
  }

  #map(name: string, bytes: number): Mapped {
    let entry = this.#memory.get(name)
    if (!entry) {
      const buffer = mapMmap(this.#fd(name), bytes)
      const whole = buffer.byteLength & ~7
      entry = {
        buffer,
        mapped: {
          view: new DataView(buffer),
          bytes: new Uint8Array(buffer),
          words: new Int32Array(buffer, 0, whole / 4),
          longs: new BigInt64Array(buffer, 0, whole / 8),
        },
      }
      this.#memory.set(name, entry)
    }
    return entry.mapped
  }

  #services(): Mapped {
    return this.#map(maps.services.name, maps.services.maxEntries * ServiceRecord.SIZE)
  }

  #servers(): Mapped {
    return this.#map(maps.servers.name, maps.servers.maxEntries * ServerRecord.SIZE)
  }

  service(slot: number): ServiceRecord {
    return new ServiceRecord(this.#services().view, slot * ServiceRecord.SIZE)
  }

  server(slot: number): ServerRecord {
    return new ServerRecord(this.#servers().view, slot * ServerRecord.SIZE)
  }

  /** The first service's slot of [from, to) in a state of `SluiceSlot`. Quick: thousands of slots a millisecond. */
  findServiceSlot(state: number, from: number, to: number): number | undefined {
    const { words } = this.#services()
    const [stride, offset] = [ServiceRecord.SIZE / 4, ServiceRecord.OFFSET.slotState / 4]
    for (let slot = from; slot < to; slot += 1) if (words[slot * stride + offset] === state) return slot
    return undefined
  }

  /** Likewise of servers. */
  findServerSlot(state: number, from: number, to: number): number | undefined {
    const { bytes } = this.#servers()
    const { slotState } = ServerRecord.OFFSET
    for (let slot = from; slot < to; slot += 1) if (bytes[slot * ServerRecord.SIZE + slotState] === state) return slot
    return undefined
  }

  /**
   * The first server's slot of [from, to) in a state of `SluiceSlot` that has this address (16 bytes), port and family.
   * Quick, too.
   */
  findServerPlace(state: number, place: ServerPlaceBytes, from: number, to: number): number | undefined {
    const { words } = this.#servers()
    const wanted = ServerRecord.allocate()
    wanted.addressBytes().set(place.address)
    wanted.port = place.port
    wanted.family = place.family
    wanted.slotState = state
    // address, port, family and state stand at the record's beginning
    const head = new Int32Array(wanted.view.buffer, 0, (ServerRecord.OFFSET.slotState + 1) / 4)
    const [first, last] = [head[0], head[head.length - 1]]
    for (let slot = from; slot < to; slot += 1) {
      const base = (slot * ServerRecord.SIZE) / 4
      if (words[base] !== first || words[base + head.length - 1] !== last) continue
      if (head.every((word, i) => words[base + i] === word)) return slot
    }
    return undefined
  }

  /** A local address of full NAT. */
  local(slot: number): LocalAddressRecord {
    const { view } = this.#map(maps.localAddresses.name, maps.localAddresses.maxEntries * LocalAddressRecord.SIZE)
    return new LocalAddressRecord(view, slot * LocalAddressRecord.SIZE)
  }

  /** One store that packets see whole: the list's head. */
  publishHead(service: number, head: number): void {
    Atomics.store(this.#services().words, (service * ServiceRecord.SIZE + ServiceRecord.OFFSET.head) / 4, head)
  }

  publishNext(server: number, next: number): void {
    Atomics.store(this.#servers().words, (server * ServerRecord.SIZE + ServerRecord.OFFSET.next) / 4, next)
  }

  /** Switches packets to the other copy of a service's options. */
  publishServiceVersion(service: number, version: number): void {
    Atomics.store(
      this.#services().words,
      (service * ServiceRecord.SIZE + ServiceRecord.OFFSET.version) / 4,
      version | 0,
    )
  }

  publishServerVersion(server: number, version: number): void {
    Atomics.store(this.#servers().words, (server * ServerRecord.SIZE + ServerRecord.OFFSET.version) / 4, version | 0)
  }

  /** The call of a template of the persistence engine "sip"; undefined: the template has ended. */
  callOf(id: number, family: number): Uint8Array | undefined {
    const reference = new Uint8Array(4)
    new DataView(reference.buffer).setUint32(0, (id << 2) | (family === SluiceFamily.INET6 ? 2 : 0), true)
    const value = mapLookup(this.#fd(maps.callNames.name), reference, CallKeyRecord.SIZE)
    if (!value) return undefined
    const call = new CallKeyRecord(new DataView(value.buffer, value.byteOffset), 0)
    return call.idBytes().slice(0, call.length)
  }

  /** A rule of marks; a set of them has its half of the map, `bank` 0 or 1. */
  markRule(bank: number, index: number): MarkRuleRecord {
    const { maxEntries, name } = maps.markRules
    const { view } = this.#map(name, maxEntries * MarkRuleRecord.SIZE)
    return new MarkRuleRecord(view, ((bank * maxEntries) / 2 + index) * MarkRuleRecord.SIZE)
  }

  /** Gives packets the rules of a bank, all at once. */
  publishMarkRules(bank: number, count: number): void {
    const { words } = this.#map(maps.settings.name, SettingsRecord.SIZE)
    Atomics.store(words, SettingsRecord.OFFSET.markRules / 4, (bank << 31) | count | 0)
  }

  publishWrr(service: number, wrr: bigint): void {
    const index = (service * ServiceRecord.SIZE + ServiceRecord.OFFSET.wrr) / 8
    Atomics.store(this.#services().longs, index, BigInt.asIntN(64, wrr))
  }

  /** A number that no other server's or cache's stamp has, until 2^32 later ones. */
  takeStamp(): number {
    this.settings.stamp = (this.settings.stamp + 1) >>> 0 || 1
    return this.settings.stamp
  }

  /** Exchanges mh's lookup table in one step; undefined: the service has none. */
  publishMaglev(service: number, table: MaglevRecord | undefined): void {
    const fd = this.#fd(maps.maglev.name)
    if (table === undefined) {
      mapDelete(fd, slotKey(service))
      return
    }
    whenMemory(() => mapUpdate(fd, slotKey(service), table.bytes(), BPF_ANY))
  }

  /** Slots of the services that have a lookup table. */
  *maglevServices(): Iterable<number> {
    const fd = this.#fd(maps.maglev.name)
    for (let at = mapNextKey(fd, undefined, 4); at; at = mapNextKey(fd, at, 4))
      yield new DataView(at.buffer, at.byteOffset).getUint32(0, true)
  }

  /** mh's lookup table of a service, as packets see it. */
  maglev(service: number): MaglevRecord | undefined {
    const value = mapLookup(this.#fd(maps.maglev.name), slotKey(service), MaglevRecord.SIZE)
    return value && new MaglevRecord(new DataView(value.buffer, value.byteOffset), 0)
  }

  /** Moves a scheduler's cursor, which packets move too: `next` is computed anew until nobody came between. */
  moveCursor(service: number, next: (cursor: bigint) => bigint): void {
    const index = (service * ServiceRecord.SIZE + ServiceRecord.OFFSET.cursor) / 8
    const { longs } = this.#services()
    for (;;) {
      const seen = Atomics.load(longs, index)
      const wanted = BigInt.asIntN(64, next(BigInt.asUintN(64, seen)))
      if (wanted === seen || Atomics.compareExchange(longs, index, seen, wanted) === seen) return
    }
  }

  /** Sums a slot's counters over all CPUs; `row` comes from {@link serviceCounters} or {@link serverCounters}. */
  counters(row: number): CounterValues {
    const { view } = this.#map(maps.counters.name, this.#cpus * COUNTER_STRIDE * CountersRecord.SIZE)
    const sum: CounterValues = [0n, 0n, 0n, 0n, 0n]
    for (let cpu = 0; cpu < this.#cpus; cpu += 1) {
      const c = new CountersRecord(view, (cpu * COUNTER_STRIDE + row) * CountersRecord.SIZE)
      sum[0] += c.connections
      sum[1] += c.inPackets
      sum[2] += c.outPackets
      sum[3] += c.inBytes
      sum[4] += c.outBytes
    }
    return sum
  }

  /**
   * What all services ever counted, deleted ones included: a slot's counters never fall, whoever uses it. Not what was
   * counted since they were last set to zero: that is without the base of {@link TOTALS}.
   */
  totalCounters(): CounterValues {
    const total: CounterValues = [0n, 0n, 0n, 0n, 0n]
    for (let slot = 1; slot < this.settings.serviceTop; slot += 1)
      this.counters(serviceCounters(slot)).forEach((count, i) => {
        total[i as 0] += count
      })
    return total
  }

  /** What was counted when the slot was last set to zero. */
  counterBase(row: number): CountersRecord {
    const { view } = this.#map(maps.counterBases.name, COUNTER_STRIDE * CountersRecord.SIZE)
    return new CountersRecord(view, row * CountersRecord.SIZE)
  }

  #rates(): Mapped {
    return this.#map(maps.rates.name, COUNTER_STRIDE * RatesRecord.SIZE)
  }

  /** What the datapath's estimator knows of a slot. */
  rates(row: number): RatesRecord {
    return new RatesRecord(this.#rates().view, row * RatesRecord.SIZE)
  }

  /** Makes a slot's rates zero, to begin anew from its {@link counterBase}. */
  resetRates(row: number): void {
    Atomics.add(this.#rates().words, (row * RatesRecord.SIZE + RatesRecord.OFFSET.reset) / 4, 1)
  }

  /** Drops by `enum sluice_drop`, summed over all CPUs. */
  drops(reason: number): bigint {
    return this.#tally(reason)
  }

  /** Events by `enum sluice_event`, summed over all CPUs. */
  events(kind: number): bigint {
    return this.#tally(EVENT_TALLY + kind)
  }

  #tally(index: number): bigint {
    const { view } = this.#map(maps.tallies.name, this.#cpus * TALLIES * 8)
    let sum = 0n
    for (let cpu = 0; cpu < this.#cpus; cpu += 1) sum += view.getBigUint64((cpu * TALLIES + index) * 8, true)
    return sum
  }

  findService(key: ServiceKeyRecord): number | undefined {
    const found = mapLookup(this.#fd(maps.serviceIndex.name), key.bytes(), 4)
    return found && new DataView(found.buffer, found.byteOffset).getUint32(0, true)
  }

  /** The one step that shows a service to packets. */
  insertService(key: ServiceKeyRecord, slot: number): void {
    const value = new Uint8Array(4)
    new DataView(value.buffer).setUint32(0, slot, true)
    mapUpdate(this.#fd(maps.serviceIndex.name), key.bytes(), value, BPF_NOEXIST)
  }

  /** The one step that hides a service from packets. */
  removeService(key: ServiceKeyRecord): void {
    mapDelete(this.#fd(maps.serviceIndex.name), key.bytes())
  }

  /** Slots of all services that packets can find. */
  *indexedServices(): Iterable<number> {
    for (const [, value] of mapEntries(this.#fd(maps.serviceIndex.name), maps.serviceIndex.keySize, 4))
      yield new DataView(value.buffer, value.byteOffset).getUint32(0, true)
  }

  /** Every connection and template that lives at this moment. Others may come and go meanwhile. */
  *connections(): Iterable<StoredConnection> {
    const four = this.#connections(maps.connections4.name, ConnectionRecord.SIZE, 0)
    for (let id = 1; id < four.top; id += 1) {
      const connection = new ConnectionRecord(four.view, id * ConnectionRecord.SIZE)
      if (connection.status & SluiceStatus.LIVE) yield { id, connection }
    }
    const six = this.#connections(maps.connections6.name, Connection6Record.SIZE, 1)
    for (let id = 1; id < six.top; id += 1) {
      const wide = new Connection6Record(six.view, id * Connection6Record.SIZE)
      if (wide.connection.status & SluiceStatus.LIVE) yield { id, connection: wide.connection, wide }
    }
  }

  /**
   * The records of one family's connections, of the size given, as they are stored: for whoever looks at all of them often.
   * @param family 0: IPv4, {@link ConnectionRecord}; 1: IPv6, {@link Connection6Record}
   */
  connectionMemory(family: 0 | 1): { readonly view: DataView; readonly size: number; readonly top: number } {
    const [name, size] =
      family === 0 ? [maps.connections4.name, ConnectionRecord.SIZE] : [maps.connections6.name, Connection6Record.SIZE]
    return { ...this.#connections(name, size, family), size }
  }

  /**
   * Takes connections that another director told of into the table. The caller holds the table's lock.
   * @param count at most as many as there is room for in the map `arrivals`
   * @param write fills in one; its memory is zero
   * @param read is given each one's result, `SluiceArrival`
   */
  arrive(
    count: number,
    write: (arrival: ArrivalRecord, index: number) => void,
    read: (result: number, index: number) => void,
  ): void {
    const { view } = this.#map(maps.arrivals.name, maps.arrivals.maxEntries * ArrivalRecord.SIZE)
    const arrival = (index: number) => new ArrivalRecord(view, index * ArrivalRecord.SIZE)
    for (let index = 0; index < count; index += 1) {
      const one = arrival(index)
      one.bytes().fill(0)
      write(one, index)
      one.result = SluiceArrival.PENDING
    }
    if (count < maps.arrivals.maxEntries) arrival(count).result = SluiceArrival.NONE
    progTestRun(this.#fd(pin.arrive), { dataIn: ANY_FRAME })
    for (let index = 0; index < count; index += 1) read(arrival(index).result, index)
  }

  #connections(name: string, size: number, family: number): { view: DataView; top: number } {
    const watermark = this.#watermark(family)
    // packets may count it beyond the end for a moment
    const top = Math.min(watermark.top, watermark.size)
    return { view: this.#map(name, watermark.size * size).view, top }
  }

  #watermark(family: number): WatermarkRecord {
    const { view } = this.#map(maps.watermarks.name, maps.watermarks.maxEntries * WatermarkRecord.SIZE)
    return new WatermarkRecord(view, family * WatermarkRecord.SIZE)
  }

  /** Connections of each family that fit. */
  get connectionCapacity(): number {
    return this.#watermark(0).size - 1
  }

  /** What each map takes for one connection, bytes: a NAT connection of IPv4 has both flows. */
  get connectionBytes(): number {
    const { keySize, valueSize } = maps.flows4
    const flow = HASH_ELEMENT + round8(keySize) + round8(valueSize) + HASH_BUCKET
    return 2 * flow + ConnectionRecord.SIZE + maps.free4.valueSize
  }

  /** Every IPv4 flow: of NAT connections both. Flows may come and go meanwhile. */
  *flows(): Iterable<{ flow: Flow4Record; entry: FlowEntryRecord }> {
    for (const [key, value] of mapEntries(this.#fd(maps.flows4.name), Flow4Record.SIZE, FlowEntryRecord.SIZE)) {
      yield {
        flow: new Flow4Record(new DataView(key.buffer, key.byteOffset), 0),
        entry: new FlowEntryRecord(new DataView(value.buffer, value.byteOffset), 0),
      }
    }
  }

  /** Likewise of IPv6. */
  *flows6(): Iterable<{ flow: FlowRecord; entry: FlowEntryRecord }> {
    for (const [key, value] of mapEntries(this.#fd(maps.flows6.name), FlowRecord.SIZE, FlowEntryRecord.SIZE)) {
      yield {
        flow: new FlowRecord(new DataView(key.buffer, key.byteOffset), 0),
        entry: new FlowEntryRecord(new DataView(value.buffer, value.byteOffset), 0),
      }
    }
  }

  attachment(ifindex: number): AttachmentRecord | undefined {
    const value = mapLookup(this.#fd(maps.attachments.name), slotKey(ifindex), AttachmentRecord.SIZE)
    return value && new AttachmentRecord(new DataView(value.buffer, value.byteOffset), 0)
  }

  setAttachment(ifindex: number, record: AttachmentRecord): void {
    mapUpdate(this.#fd(maps.attachments.name), slotKey(ifindex), record.bytes(), BPF_ANY)
  }

  removeAttachment(ifindex: number): void {
    mapDelete(this.#fd(maps.attachments.name), slotKey(ifindex))
  }

  /** Devices that attach has dealt with, by interface index. */
  attachments(): Map<number, AttachmentRecord> {
    const found = new Map<number, AttachmentRecord>()
    for (const [key, value] of mapEntries(this.#fd(maps.attachments.name), 4, AttachmentRecord.SIZE)) {
      const ifindex = new DataView(key.buffer, key.byteOffset).getUint32(0, true)
      found.set(ifindex, new AttachmentRecord(new DataView(value.buffer, value.byteOffset), 0))
    }
    return found
  }

  close(): void {
    for (const { buffer } of this.#memory.values()) munmap(buffer)
    this.#memory.clear()
    for (const fd of this.#fds.values()) closeFd(fd)
    this.#fds.clear()
  }
}

/** A key of one number. */
function slotKey(number: number): Uint8Array {
  const key = new Uint8Array(4)
  new DataView(key.buffer).setUint32(0, number, true)
  return key
}

/**
 * Maps that allocate take what the kernel has at hand, and refill it in the background: a moment later there is more. The
 * wait is a tenth of a second at the most.
 */
function whenMemory(update: () => void): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  for (let attempt = 0; ; attempt += 1) {
    try {
      update()
      return
    } catch (error) {
      if (!(error instanceof KernelError && error.code === 'ENOMEM') || attempt === 100) throw error
      Atomics.wait(sleeper, 0, 0, 1)
    }
  }
}
