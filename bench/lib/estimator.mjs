// What the estimator of rates costs: whole passes of it, run in the kernel over tables that stand beside all others.
import {
  estimatorRows,
  maps,
  objectPath,
  ServerRecord,
  ServiceRecord,
  SettingsRecord,
  SluiceSlot,
  sections,
} from '../../dist/datapath/index.js'
import { loadObject, mapMmap, munmap, possibleCpus, progTestRun } from '../../dist/kernel/index.js'
import { spread } from './statistics.mjs'

/**
 * @typedef {object} EstimatorRow
 * @property {number} services
 * @property {number} servers
 * @property {number} cpus
 * @property {import('./statistics.mjs').Spread} pass microseconds of work in two seconds
 * @property {import('./statistics.mjs').Spread} tick microseconds of one run of the timer, mean of a pass
 * @property {number} ticks in two seconds
 */

/** @param {number} value */
const u32 = (value) => new Uint8Array(new Uint32Array([value]).buffer)

/**
 * @param {number} services @param {number} servers @param {number} cpus @param {number} passes
 * @returns {EstimatorRow}
 */
function measure(services, servers, cpus, passes) {
  const rows = estimatorRows(cpus)
  const { name: section, variables } = sections.rodataLoader
  const object = loadObject(objectPath('sluice'), {
    name: 'sluice',
    maxEntries: { counters: maps.counters.maxEntries * cpus },
    sections: {
      [section]: [
        { offset: variables.cpus.offset, bytes: u32(cpus) },
        { offset: variables.estimatorRows.offset, bytes: u32(rows) },
      ],
    },
  })
  /** @type {ArrayBuffer[]} */
  const mapped = []
  const memory = (/** @type {string} */ map, /** @type {number} */ bytes) => {
    const buffer = mapMmap(object.mapFd(map), bytes)
    mapped.push(buffer)
    return new DataView(buffer)
  }
  try {
    const settings = new SettingsRecord(memory(maps.settings.name, SettingsRecord.SIZE), 0)
    settings.serviceTop = services + 1
    settings.serverTop = servers + 1
    const serviceMemory = memory(maps.services.name, maps.services.maxEntries * ServiceRecord.SIZE)
    const serverMemory = memory(maps.servers.name, maps.servers.maxEntries * ServerRecord.SIZE)
    for (let slot = 1; slot <= services; slot += 1)
      new ServiceRecord(serviceMemory, slot * ServiceRecord.SIZE).slotState = SluiceSlot.LIVE
    for (let slot = 1; slot <= servers; slot += 1)
      new ServerRecord(serverMemory, slot * ServerRecord.SIZE).slotState = SluiceSlot.LIVE
    const program = object.progFd('sluice_estimate')
    const pass = () => progTestRun(program, { dataIn: new Uint8Array(64) }).durationNs / 1000
    pass()
    const times = Array.from({ length: passes }, pass)
    const ticks = Math.ceil((services + 1) / rows) + Math.ceil((servers + 1) / rows)
    return { services, servers, cpus, pass: spread(times), tick: spread(times.map((time) => time / ticks)), ticks }
  } finally {
    for (const buffer of mapped) munmap(buffer)
    object.close()
  }
}

/** @param {number} passes @returns {EstimatorRow[]} */
export function estimator(passes) {
  const here = possibleCpus()
  return [...new Set([here, 64])].flatMap((cpus) => [
    measure(1, 4, cpus, passes),
    measure(1000, 4000, cpus, passes),
    measure(10_000, 40_000, cpus, passes),
  ])
}
