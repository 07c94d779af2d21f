import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import {
  type Btf,
  closeFd,
  type Fd,
  type MapInfo,
  MapType,
  mapBtf,
  mapInfo,
  mapLookup,
  mapMmap,
  munmap,
  objectBtf,
  objGet,
  possibleCpus,
} from '../kernel/index.js'
import { keysOf } from './carry.js'
import { maps, SettingsRecord, SluiceSysctl } from './layouts.js'
import { LAYOUT_VERSION, mapSizes } from './load.js'
import { pin } from './pins.js'
import { type Converter, converter, type Leaf, leavesOf, sameLeaves } from './shape.js'

type Definition = (typeof maps)[keyof typeof maps]

/** A map whose contents are copied into a new one. */
export interface Carried {
  readonly name: string
  /** The old map. */
  readonly fd: Fd
  readonly info: MapInfo
  /** Undefined: keys are the same bytes. */
  readonly key: Converter | undefined
  readonly value: Converter
  readonly keySize: number
  readonly valueSize: number
  /** Do packets write it in a way that nothing may be lost of? */
  readonly packets: boolean
  readonly btf: Btf
}

export interface Plan {
  /** Connections of each family that fit: as many as did. */
  readonly connections: number
  /** Maps that both versions share. */
  readonly kept: Record<string, Fd>
  readonly carried: Carried[]
  readonly turn: Fd
  close(): void
}

/** Never shared between generations: which one it is, and what stands behind it. */
const own: ReadonlySet<string> = new Set([maps.successors.name, maps.self.name])

/**
 * Those with timers, whose callbacks are the program's that armed them, are never shared either: each generation's timers
 * know of its own maps alone. Their state is carried over while they wait.
 */
const timers: ReadonlySet<string> = new Set([maps.estimator.name, maps.localityKeeper.name, maps.wheelHands.name])

/** Maps that packets only read, or write in a way that may be lost: they go on coming while these are copied. */
const calm: ReadonlySet<string> = new Set([
  ...timers,
  maps.settings.name,
  maps.markRules.name,
  maps.maglev.name,
  maps.counterBases.name,
  maps.rates.name,
  maps.attachments.name,
  maps.arrivals.name,
])

/** Maps whose entries stand in rows: another length of a row would put them elsewhere. */
const rows: ReadonlySet<string> = new Set([
  maps.counters.name,
  maps.counterBases.name,
  maps.rates.name,
  maps.tallies.name,
  maps.wheel.name,
  maps.markRules.name,
])

/**
 * What becomes of each map of a table when the program of an object takes over: shared where both mean the same by its
 * bytes; else copied, field by field, by the types that the kernel keeps with the old map and those in the object.
 *
 * @param anew whether the layout's version differs: the settings, which hold it, are copied then
 * @throws SluiceError SLUICE_NO_UPGRADE that names the map
 */
export function planMaps(directory: string, object: Uint8Array, anew: boolean): Plan {
  const fds: Fd[] = []
  const open = (name: string) => {
    const fd = objGet(join(directory, name))
    fds.push(fd)
    return fd
  }
  const close = () => {
    for (const fd of fds.splice(0)) closeFd(fd)
  }
  try {
    const refuse = (name: string, reason: string): never => {
      throw new SluiceError('SLUICE_NO_UPGRADE', { path: directory, reason: `map ${name}: ${reason}` })
    }
    const wanted = objectBtf(object)
    const connections = mapInfo(open(maps.connections4.name)).maxEntries - 1
    const sizes = mapSizes(connections, possibleCpus())
    const kept: Record<string, Fd> = {}
    const carried: Carried[] = []
    for (const map of Object.values(maps)) {
      if (own.has(map.name) || !existsSync(join(directory, map.name))) continue
      const fd = open(map.name)
      const info = mapInfo(fd)
      const entries = sizes[map.name] ?? map.maxEntries
      const shapes = compare(fd, wanted, map)
      const alike = info.type === map.type && info.flags === map.flags && info.maxEntries === entries && shapes.same
      if (alike && !timers.has(map.name) && !(anew && map.name === maps.settings.name)) {
        kept[map.name] = fd
        continue
      }
      // room to work in: nothing of it outlives a packet
      if (map.type === MapType.PERCPU_ARRAY) continue
      if (info.type !== map.type || shapes.before === undefined) refuse(map.name, 'it is of another kind now')
      if (rows.has(map.name) ? info.maxEntries !== entries : info.maxEntries > entries)
        refuse(map.name, `it had ${info.maxEntries} entries and has ${entries} now`)
      const value = converter(shapes.before?.value ?? [], shapes.after.value)
      const key = shapes.sameKey ? undefined : converter(shapes.before?.key ?? [], shapes.after.key)
      if (typeof value === 'string') return refuse(map.name, value)
      if (typeof key === 'string') return refuse(map.name, key)
      carried.push({
        ...{ name: map.name, fd, info, key, value, keySize: map.keySize, valueSize: map.valueSize },
        packets: !calm.has(map.name),
        btf: shapes.btf as Btf,
      })
    }
    return { connections, kept, carried, turn: open(pin.turn), close }
  } catch (error) {
    close()
    throw error
  }
}

interface Shape {
  readonly key: Leaf[]
  readonly value: Leaf[]
}

/** What a map's bytes meant, and what they mean in the object. A map without types (a stack) has its sizes alone. */
function compare(fd: Fd, wanted: Btf, map: Definition) {
  const info = mapInfo(fd)
  const types = wanted.map(map.name)
  const shape = (btf: Btf, key: number | undefined, value: number | undefined): Shape => ({
    key: key === undefined ? [] : leavesOf(btf, key),
    value: value === undefined ? [] : leavesOf(btf, value),
  })
  const after = shape(wanted, types?.key, types?.value)
  const known = mapBtf(fd)
  const sized = info.keySize === map.keySize && info.valueSize === map.valueSize
  const before = known && shape(known.btf, known.key, known.value)
  const sameKey = info.keySize === map.keySize && (!before || sameLeaves(before.key, after.key))
  return {
    before,
    after,
    sameKey,
    same: sized && sameKey && (!before || sameLeaves(before.value, after.value)),
    btf: known?.btf,
  }
}

/**
 * The settings: what is new begins with its default. The parameters are found again by their names, wherever they stand.
 * @param to the new map, with its defaults
 */
export function copySettings({ fd, btf, value, info }: Carried, to: Fd): void {
  const before = mapLookup(fd, keysOf(0), info.valueSize)
  if (!before) return
  const memory = mapMmap(to, SettingsRecord.SIZE)
  const settings = new SettingsRecord(new DataView(memory), 0)
  const defaults = Array.from({ length: SluiceSysctl.COUNT }, (_, index) => settings.sysctl(index))
  value(before, settings.bytes())
  settings.layout = LAYOUT_VERSION
  const names = btf.enumeration('sluice_sysctl')
  const words = Array.from({ length: SluiceSysctl.COUNT }, (_, index) => settings.sysctl(index))
  for (const [name, index] of Object.entries(SluiceSysctl)) {
    if (index >= SluiceSysctl.COUNT) continue
    const was = names?.get(`SLUICE_SYSCTL_${name}`)
    settings.setSysctl(index, (was === undefined ? defaults[index] : words[was]) as number)
  }
  munmap(memory)
}
