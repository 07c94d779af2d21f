import { type Fd, MapFlag, MapType, mapEntries, mapInfo, mapMmap, mapUpdate, munmap } from '../kernel/index.js'
import type { Carried } from './plan.js'

/** Elements between two requests for more time. */
const STRIDE = 4096

const round8 = (bytes: number) => (bytes + 7) & ~7

/** A key, or a value, of one number. */
export function keysOf(number: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, number, true)
  return bytes
}

/** Copies an old map's elements into the new one, as its record is now. */
export function copyMap(map: Carried, to: Fd, clock: { prolong(): void }): void {
  clock.prolong()
  const target = mapInfo(to)
  if (map.info.type === MapType.ARRAY && map.info.flags & target.flags & MapFlag.MMAPABLE) copyShared(map, to, clock)
  else copyEntries(map, to, clock)
}

function copyEntries(map: Carried, to: Fd, clock: { prolong(): void }): void {
  let count = 0
  for (const [key, value] of mapEntries(map.fd, map.info.keySize, map.info.valueSize)) {
    const into = new Uint8Array(map.valueSize)
    map.value(value, into)
    let name = key
    if (map.key) {
      name = new Uint8Array(map.keySize)
      map.key(key, name)
    }
    mapUpdate(to, name, into)
    count += 1
    if (count % STRIDE === 0) clock.prolong()
  }
}

/** Arrays that both can be mapped into memory. */
function copyShared(map: Carried, to: Fd, clock: { prolong(): void }): void {
  const [from, into] = [round8(map.info.valueSize), round8(map.valueSize)]
  const before = mapMmap(map.fd, map.info.maxEntries * from)
  const after = mapMmap(to, map.info.maxEntries * into)
  try {
    const [source, target] = [new Uint8Array(before), new Uint8Array(after)]
    for (let index = 0; index < map.info.maxEntries; index += 1) {
      map.value(
        source.subarray(index * from, index * from + map.info.valueSize),
        target.subarray(index * into, index * into + map.valueSize),
      )
      if (index % STRIDE === 0) clock.prolong()
    }
  } finally {
    munmap(before)
    munmap(after)
  }
}
