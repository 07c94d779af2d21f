// The schedulers alone: a service and its servers written into the maps, and questions asked of the program that picks. No
// table, no packet, no connection; the test says how many of those a server has.
import {
  LocalityKeyRecord,
  LocalityRecord,
  maps,
  objectPath,
  ServerRecord,
  ServiceRecord,
  SettingsRecord,
  SluiceFamily,
  SluiceProtocol,
  SluiceSlot,
  SluiceSysctl,
  sections,
} from '../../dist/datapath/index.js'
import { parseAddress } from '../../dist/ipvs/address.js'
import { maglevTable } from '../../dist/ipvs/maglev.js'
import { schedulers } from '../../dist/ipvs/schedulers.js'
import {
  loadObject,
  mapDelete,
  mapEntries,
  mapLookup,
  mapMmap,
  mapUpdate,
  munmap,
  progTestRun,
} from '../../dist/kernel/index.js'

const SERVICE = 1
const bits = { 'sh-fallback': 8, 'sh-port': 16, 'mh-fallback': 8, 'mh-port': 16 }
const u32 = (value) => new Uint8Array(new Uint32Array([value]).buffer)

export class Picks {
  /** @param {{ scheduler: string, flags?: string[] }} options */
  constructor({ scheduler, flags = [] }) {
    this.object = loadObject(objectPath('sluice'), {
      name: 'sluice',
      maxEntries: { flows4: 16, flows6: 16, connections4: 9, connections6: 9, free4: 8, free6: 8 },
      sections: {
        [sections.rodataLoader.name]: [{ offset: sections.rodataLoader.variables.cpus.offset, bytes: u32(1) }],
      },
    })
    const records = {
      settings: SettingsRecord.SIZE,
      services: 2 * ServiceRecord.SIZE,
      servers: 512 * ServerRecord.SIZE,
    }
    this.memory = Object.fromEntries(
      Object.entries(records).map(([name, size]) => [name, mapMmap(this.object.mapFd(name), size)]),
    )
    this.settings = new SettingsRecord(new DataView(this.memory.settings), 0)
    this.service = new ServiceRecord(new DataView(this.memory.services), SERVICE * ServiceRecord.SIZE)
    this.service.slotState = SluiceSlot.LIVE
    this.service.cacheStamp = 1
    this.settings.setSysctl(SluiceSysctl.LBLC_EXPIRATION, 86400)
    this.settings.setSysctl(SluiceSysctl.LBLCR_EXPIRATION, 86400)
    this.slots = 0
    this.use(scheduler, flags)
  }

  use(scheduler, flags = []) {
    this.scheduler = scheduler
    const options = this.service.options(0)
    options.scheduler = schedulers.get(scheduler)
    options.flags = flags.reduce((sum, flag) => sum | bits[flag], 0)
    this.#changed()
  }

  server(slot) {
    return new ServerRecord(new DataView(this.memory.servers), slot * ServerRecord.SIZE)
  }

  /** Puts a server at the head of the list. @returns its slot */
  add({ address, port, weight = 1, active = 0, inactive = 0 }) {
    this.slots += 1
    const server = this.server(this.slots)
    server.addressBytes().set(parseAddress(address))
    server.port = port
    server.service = SERVICE
    server.slotState = SluiceSlot.LIVE
    server.stamp = 1000 + this.slots
    server.next = this.service.head
    this.service.head = this.slots
    Object.assign(server, { active, inactive })
    this.weigh(this.slots, weight)
    return this.slots
  }

  weigh(slot, weight) {
    const server = this.server(slot)
    server.options(0).weight = weight
    if (weight > 0) server.lastWeight = weight
    this.#changed()
  }

  /** Another server takes a slot over. */
  replace(slot) {
    this.server(slot).stamp += 1_000_000
  }

  #changed() {
    if (this.scheduler !== 'mh') return
    const servers = []
    for (let slot = this.service.head; slot !== 0; slot = this.server(slot).next) {
      const server = this.server(slot)
      servers.push({ slot, address: server.addressBytes(), port: server.port, weight: server.lastWeight })
    }
    const table = maglevTable(servers)
    const fd = this.object.mapFd(maps.maglev.name)
    if (table) mapUpdate(fd, u32(SERVICE), table.bytes())
    else mapDelete(fd, u32(SERVICE))
  }

  /** The slot that a client gets, 0: none. @param {{ client?: string, vip: string, sport?: number, protocol?: 'tcp' | 'udp' | 'icmp' }} who */
  pick({ client = '10.0.0.1', vip, sport = 1024, protocol = 'tcp' }) {
    const question = new Uint8Array(64)
    const view = new DataView(question.buffer)
    view.setUint32(0, this.service.options(0).scheduler, true)
    view.setUint32(4, SERVICE, true)
    question.set(parseAddress(client), 8)
    question.set(parseAddress(vip), 24)
    view.setUint16(40, sport)
    view.setUint16(42, 80)
    question[44] = SluiceProtocol[protocol.toUpperCase()]
    question[45] = vip.includes(':') ? SluiceFamily.INET6 : SluiceFamily.INET
    return progTestRun(this.object.progFd('sluice_pick'), { dataIn: question }).retval
  }

  /** A minute passes for what lblc and lblcr remember. */
  minute() {
    progTestRun(this.object.progFd('sluice_keeper'), { dataIn: new Uint8Array(64) })
  }

  #key(vip) {
    const key = LocalityKeyRecord.allocate()
    key.bytes().set(parseAddress(vip))
    key.service = SERVICE
    key.stamp = this.service.cacheStamp
    return key.bytes()
  }

  /** What is remembered of an address, or undefined. */
  remembered(vip) {
    const value = mapLookup(this.object.mapFd(maps.localities.name), this.#key(vip), LocalityRecord.SIZE)
    if (!value) return undefined
    const record = new LocalityRecord(new DataView(value.buffer, value.byteOffset), 0)
    const servers = Array.from({ length: 32 }, (_, i) => Number(record.server(i) & 0xffff_ffffn)).filter(Boolean)
    return { record, servers }
  }

  /** Lets what is remembered of an address be older, seconds. */
  age(vip, { used = 0, modified = 0 }) {
    const { record } = this.remembered(vip)
    record.used -= BigInt(used) * 1_000_000_000n
    record.modified -= BigInt(modified) * 1_000_000_000n
    mapUpdate(this.object.mapFd(maps.localities.name), this.#key(vip), record.bytes())
  }

  /** How many addresses are remembered. */
  entries() {
    let count = 0
    for (const _ of mapEntries(this.object.mapFd(maps.localities.name), LocalityKeyRecord.SIZE, LocalityRecord.SIZE))
      count += 1
    return count
  }

  close() {
    for (const memory of Object.values(this.memory)) munmap(memory)
    this.object.close()
  }
}
