// The estimator: counters are put where the datapath puts them, and one pass of it at a time is run. No clock is asked.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import {
  CountersRecord,
  maps,
  objectPath,
  RatesRecord,
  ServerRecord,
  ServiceRecord,
  SettingsRecord,
  SluiceSlot,
  SluiceSysctl,
  sections,
  serverCounters,
  serviceCounters,
  TOTALS,
} from '../../dist/datapath/index.js'
import { readRates } from '../../dist/ipvs/rates.js'
import { loadObject, mapMmap, munmap, progTestRun } from '../../dist/kernel/index.js'

const CPUS = 3
const FIELDS = ['connections', 'inPackets', 'outPackets', 'inBytes', 'outBytes']
const NONE = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }
const ROWS = maps.services.maxEntries + maps.servers.maxEntries

/** A table without its timers. */
class Estimator {
  constructor(rowsOfBlock) {
    const u32 = (value) => new Uint8Array(new Uint32Array([value]).buffer)
    const { cpus, estimatorRows } = sections.rodataLoader.variables
    this.object = loadObject(objectPath('sluice'), {
      name: 'sluice',
      maxEntries: {
        counters: ROWS * CPUS,
        flows4: 16,
        flows6: 16,
        connections4: 9,
        connections6: 9,
        free4: 8,
        free6: 8,
      },
      sections: {
        [sections.rodataLoader.name]: [
          { offset: cpus.offset, bytes: u32(CPUS) },
          { offset: estimatorRows.offset, bytes: u32(rowsOfBlock) },
        ],
      },
    })
    this.memory = Object.fromEntries(
      Object.entries({
        settings: SettingsRecord.SIZE,
        services: maps.services.maxEntries * ServiceRecord.SIZE,
        servers: maps.servers.maxEntries * ServerRecord.SIZE,
        counters: ROWS * CPUS * CountersRecord.SIZE,
        counter_bases: ROWS * CountersRecord.SIZE,
        rates: ROWS * RatesRecord.SIZE,
      }).map(([name, size]) => [name, mapMmap(this.object.mapFd(name), size)]),
    )
    this.settings = this.#record(SettingsRecord, 'settings', 0)
  }

  #record(Record, name, index) {
    return new Record(new DataView(this.memory[name]), index * Record.SIZE)
  }

  /** As after an edit: slots below the tops are in use. */
  use(services, servers) {
    this.settings.serviceTop = services + 1
    this.settings.serverTop = servers + 1
    this.settings.setSysctl(SluiceSysctl.RUN_ESTIMATION, 1)
    for (let slot = 1; slot <= services; slot += 1) this.service(slot).slotState = SluiceSlot.LIVE
    for (let slot = 1; slot <= servers; slot += 1) this.server(slot).slotState = SluiceSlot.LIVE
  }

  service = (slot) => this.#record(ServiceRecord, 'services', slot)
  server = (slot) => this.#record(ServerRecord, 'servers', slot)
  rates = (row) => this.#record(RatesRecord, 'rates', row)
  base = (row) => this.#record(CountersRecord, 'counter_bases', row)

  /** What a CPU has counted by now. */
  count(row, values, cpu = 0) {
    Object.assign(this.#record(CountersRecord, 'counters', cpu * ROWS + row), values)
  }

  pass() {
    assert.equal(progTestRun(this.object.progFd('sluice_estimate'), { dataIn: new Uint8Array(64) }).retval, 0)
  }

  shown = (row) => readRates(this, row)

  clear() {
    for (const buffer of Object.values(this.memory)) new Uint8Array(buffer).fill(0)
  }

  close() {
    for (const buffer of Object.values(this.memory)) munmap(buffer)
    this.object.close()
  }
}

/** The estimator's arithmetic on its own: averages after one more look. */
function smoothed(average, counts, last) {
  return Object.fromEntries(
    FIELDS.map((field) => {
      const rate = (counts[field] - last[field]) << (field.endsWith('Bytes') ? 4n : 9n)
      return [field, average[field] + ((rate - average[field]) >> 2n)]
    }),
  )
}

const shown = (average) =>
  Object.fromEntries(
    FIELDS.map((field) => [
      field,
      field.endsWith('Bytes') ? (average[field] + 0xfn) >> 5n : (average[field] + 0x1ffn) >> 10n,
    ]),
  )

/** @type {Estimator} */
let table
before(() => {
  table = new Estimator(16)
})
beforeEach(() => table.clear())
after(() => table?.close())

test('the rates that kernel 6.1 showed for the same counters, two seconds apart', () => {
  table.use(1, 0)
  const seen = [
    [{ connections: 4n, inPackets: 229n, outPackets: 7n, inBytes: 22900n, outBytes: 896n }, [0n, 29n, 1n, 2862n, 112n]],
    [{ inPackets: 591n, outPackets: 9n, inBytes: 59100n, outBytes: 1152n }, [0n, 67n, 1n, 6672n, 116n]],
    [{ inPackets: 957n, outPackets: 11n, inBytes: 95700n, outBytes: 1408n }, [0n, 96n, 1n, 9579n, 119n]],
    [{ inPackets: 1320n, outPackets: 13n, inBytes: 132000n, outBytes: 1664n }, [0n, 117n, 1n, 11722n, 121n]],
    [{ inPackets: 1602n, outPackets: 14n, inBytes: 160200n, outBytes: 1792n }, [0n, 123n, 1n, 12316n, 107n]],
    [{}, [0n, 92n, 1n, 9237n, 80n]],
    [{}, [0n, 69n, 0n, 6928n, 60n]],
  ]
  for (const [counts, rates] of seen) {
    table.count(serviceCounters(1), counts)
    table.pass()
    assert.deepEqual(Object.values(table.shown(serviceCounters(1))), rates)
    assert.deepEqual(table.shown(TOTALS), table.shown(serviceCounters(1)), 'one service is all of them')
  }
})

test('a look at services and servers sums what every CPU counted', () => {
  table.use(2, 3)
  const rows = [serviceCounters(1), serviceCounters(2), serverCounters(1), serverCounters(3)]
  const sums = new Map()
  for (const [i, row] of rows.entries()) {
    const sum = { ...NONE }
    for (let cpu = 0; cpu < CPUS; cpu += 1) {
      const counts = Object.fromEntries(FIELDS.map((field, k) => [field, BigInt((i + 1) * 1000 + cpu * 10 + k)]))
      table.count(row, counts, cpu)
      for (const field of FIELDS) sum[field] += counts[field]
    }
    sums.set(row, sum)
  }
  table.pass()
  for (const row of rows) assert.deepEqual(table.shown(row), shown(smoothed(NONE, sums.get(row), NONE)))
  assert.deepEqual(table.shown(serverCounters(2)), NONE)
})

test('a row falls back to nothing when its traffic ends, by a quarter a look', () => {
  table.use(1, 1)
  table.count(serverCounters(1), { inBytes: 1n << 40n, inPackets: 1n << 30n })
  let average = { ...NONE }
  let last = NONE
  const counts = { ...NONE, inBytes: 1n << 40n, inPackets: 1n << 30n }
  for (let look = 0; look < 120; look += 1) {
    table.pass()
    average = smoothed(average, counts, last)
    last = counts
    assert.deepEqual(table.shown(serverCounters(1)), shown(average), `look ${look}`)
  }
  assert.deepEqual(table.shown(serverCounters(1)), NONE)
})

test('set to zero: no rates at once, and the next look counts from the moment of zero', () => {
  table.use(1, 0)
  const row = serviceCounters(1)
  table.count(row, { inPackets: 4000n })
  table.pass()
  assert.equal(table.shown(row).inPackets, 500n)
  table.count(row, { inPackets: 5000n })
  // what zeroing does: the base, then the mark
  table.base(row).inPackets = 5000n
  table.rates(row).reset += 1
  assert.deepEqual(table.shown(row), NONE)
  table.count(row, { inPackets: 5800n })
  table.pass()
  assert.equal(table.shown(row).inPackets, 100n)
})

test('run_estimation 0: rates stand still, until it is 1 again', () => {
  table.use(1, 0)
  const row = serviceCounters(1)
  table.count(row, { inPackets: 4000n })
  table.pass()
  table.settings.setSysctl(SluiceSysctl.RUN_ESTIMATION, 0)
  table.count(row, { inPackets: 9000n })
  table.pass()
  assert.equal(table.shown(row).inPackets, 500n)
  table.settings.setSysctl(SluiceSysctl.RUN_ESTIMATION, 1)
  table.pass()
  assert.equal(table.shown(row).inPackets, 1000n)
})

test('a server in the trash keeps the rates that it had', () => {
  table.use(1, 1)
  const row = serverCounters(1)
  table.count(row, { inPackets: 4000n })
  table.pass()
  table.server(1).slotState = SluiceSlot.TRASH
  table.pass()
  assert.equal(table.shown(row).inPackets, 500n)
  table.server(1).slotState = SluiceSlot.LIVE
  table.pass()
  assert.equal(table.shown(row).inPackets, 375n)
})

test('the totals keep what a deleted service has counted', () => {
  table.use(2, 0)
  table.count(serviceCounters(1), { connections: 8000n })
  table.count(serviceCounters(2), { connections: 8000n })
  table.pass()
  assert.equal(table.shown(TOTALS).connections, 2000n)
  table.service(1).slotState = SluiceSlot.FREE
  table.pass()
  assert.equal(table.shown(TOTALS).connections, 1500n, 'no negative rate: it fades')
})

test('every slot below the tops is looked at, and none above, whatever a block is', () => {
  for (const rowsOfBlock of [8, 64, 256]) {
    const other = new Estimator(rowsOfBlock)
    try {
      // more than a block of each, and no whole number of blocks
      other.use(1000, 3001)
      const rows = [
        ...Array.from({ length: 1000 }, (_, i) => serviceCounters(i + 1)),
        ...Array.from({ length: 3001 }, (_, i) => serverCounters(i + 1)),
      ]
      const beyond = [serviceCounters(1001), serverCounters(3002)]
      for (const row of [...rows, ...beyond]) other.count(row, { inPackets: BigInt(row) })
      other.pass()
      other.pass()
      for (const row of rows) assert.equal(other.rates(row).last.inPackets, BigInt(row), `row ${row}`)
      for (const row of beyond) assert.equal(other.rates(row).last.inPackets, 0n)
      assert.equal(other.rates(TOTALS).last.inPackets, BigInt((1000 * 1001) / 2))
    } finally {
      other.close()
    }
  }
})
