// Nanoseconds a run: the datapath's programs run by BPF_PROG_TEST_RUN, a packet a run, with the kernel's own statistics of
// programs, which are switched on by a descriptor of ours and go with it; no setting of the machine is touched.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bpf, Command } from '../../dist/kernel/bpf-call.js'
import { closeFd, objGet, progInfo, progTestRun } from '../../dist/kernel/index.js'
import { Memory } from '../../dist/kernel/syscall.js'
import { arrives, Bench, CLIENT, packet, SERVER, VIP } from '../../test/lib/bench.mjs'
import { paired, spread } from './statistics.mjs'

/** @typedef {import('./statistics.mjs').Spread} Spread */

/**
 * @typedef {object} TestRuns
 * @property {{ hook: string, name: string, ns: Spread, overEmpty: Spread }[]} single one packet, again and again
 * @property {{ name: string, services: number, connections: number, ns: Spread, ratio: Spread }[]} scale packets of all
 *   connections in turn by chance; `ratio`: to the small table of the pair, in the same round
 * @property {{ connections: number, ns: number }[]} opening what the first packet of a connection costs, by those that there are
 * @property {{ connections: number, bytes: number }[]} memory of a whole table, by its size
 */

const ENABLE_STATS = 32
const TC = 3
const XDP = 6

const ROUNDS = 5
const RUNS = 5000
const PORT = 9

/** Counts runs and nanoseconds as long as it is open. */
const enableStatistics = () => bpf(ENABLE_STATS, 'run time', () => {})

/** A program that returns 0. @param {number} type BPF_PROG_TYPE_* */
function emptyProgram(type) {
  const instructions = Memory.of(Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0))
  const license = Memory.string('GPL')
  return bpf(Command.PROG_LOAD, 'an empty program', (attr) => {
    attr.setU32(0, type)
    attr.setU32(4, 2)
    attr.setPointer(8, instructions)
    attr.setPointer(16, license)
  })
}

/** Nanoseconds of one run, mean. @param {number} program @param {() => void} runs */
function nanoseconds(program, runs) {
  const before = progInfo(program)
  runs()
  const after = progInfo(program)
  return Number(after.runTimeNs - before.runTimeNs) / Number(after.runCount - before.runCount)
}

/**
 * @param {number} device
 * @param {number} length of the packet
 * @param {number} type
 */
function context(device, length, type) {
  if (type === XDP) return new Uint8Array(new Uint32Array([0, length, 0, device, 0, 0]).buffer)
  const ctx = new Uint8Array(192)
  new DataView(ctx.buffer).setUint32(40, device, true)
  return ctx
}

/** Runs a program on what `next` gives. @param {number} program @param {Uint8Array} ctx @param {number} count @param {() => Uint8Array} next */
function repeat(program, ctx, count, next) {
  for (let i = 0; i < count; i += 1) progTestRun(program, { dataIn: next(), dataOutSize: 512, ctxIn: ctx })
}

const datagram = (/** @type {number} */ dport, source = CLIENT, sport = 1024) =>
  arrives(
    CLIENT,
    'eth0',
    packet({ protocol: 'udp', source, destination: VIP, sport, dport, payload: Buffer.alloc(18), checksum: 0 }),
  )

/** One flow of each kind, beside an empty program and a packet that is not ours. @returns {TestRuns['single']} */
function single() {
  const bench = new Bench({ role: 'runs' })
  const methods = [
    { name: 'known flow, NAT', port: PORT, options: { method: 'masq' } },
    { name: 'known flow, direct routing', port: PORT + 1, options: { method: 'route' } },
    { name: 'known flow, IPIP tunnel', port: PORT + 2, options: { method: 'tunnel' } },
  ]
  /** @type {number[]} */
  const empties = []
  try {
    for (const { port, options } of methods) bench.serve({ protocol: 'udp', port }, { port, ...options })
    for (const { port } of methods) bench.send(datagram(port))
    bench.openFast()
    const frames = [
      { name: 'not ours', frame: datagram(PORT + 9) },
      ...methods.map(({ name, port }) => ({ name, frame: datagram(port) })),
    ]
    const ifindex = /** @type {number} */ (bench.ifindex.eth0)
    const lanes = [
      { hook: 'TC', type: TC, program: bench.program },
      { hook: 'XDP', type: XDP, program: /** @type {number} */ (bench.fast) },
    ].flatMap(({ hook, type, program }) => {
      const empty = emptyProgram(type)
      empties.push(empty)
      return [
        { hook, type, program: empty, name: 'an empty program', frame: datagram(PORT) },
        ...frames.map((one) => ({ hook, type, program, ...one })),
      ]
    })
    const samples = lanes.map(() => /** @type {number[]} */ ([]))
    for (let round = 0; round <= ROUNDS; round += 1)
      for (const [i, { type, program, frame }] of lanes.entries()) {
        const ctx = context(ifindex, frame.length, type)
        const ns = bench.within(() => nanoseconds(program, () => repeat(program, ctx, RUNS, () => frame)))
        // the first round is for the caches
        if (round > 0) samples[i]?.push(ns)
      }
    return lanes.map(({ hook, name }, i) => {
      const mine = samples[i] ?? []
      const base = samples[lanes.findIndex((lane) => lane.hook === hook)] ?? []
      return { hook, name, ns: spread(mine), overEmpty: spread(mine.map((ns, round) => ns - (base[round] ?? 0))) }
    })
  } finally {
    for (const fd of empties) closeFd(fd)
    bench.close()
  }
}

/** The sum of 16-bit words that stands in an IPv4 header. @param {DataView} view @param {number} at */
function sumHeader(view, at) {
  view.setUint16(at + 10, 0)
  let sum = 0
  for (let i = 0; i < 20; i += 2) sum += view.getUint16(at + i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  view.setUint16(at + 10, ~sum & 0xffff)
}

/** A table with so many services and connections, and packets of theirs. */
class Filled {
  /** @param {string} role @param {number} services @param {number} connections @param {string} method */
  constructor(role, services, connections, method) {
    this.services = services
    this.connections = connections
    process.env.SLUICE_CONNECTIONS = String(connections + (connections >> 2) + 64)
    this.bench = new Bench({ role })
    delete process.env.SLUICE_CONNECTIONS
    const key = (/** @type {number} */ n) => /** @type {const} */ ({ protocol: 'udp', address: VIP, port: PORT + n })
    this.bench.edit((director) => {
      for (let n = 0; n < services; n += 1) {
        director.addService(key(n), { scheduler: 'rr' })
        director.addServer(key(n), { address: SERVER, port: PORT + n }, { method, weight: 1 })
      }
      director.setTimeouts({ udp: 3600 })
    })
    this.frame = datagram(PORT, '10.0.0.0')
    this.view = new DataView(this.frame.buffer, this.frame.byteOffset, this.frame.byteLength)
    this.ctx = context(/** @type {number} */ (this.bench.ifindex.eth0), this.frame.length, TC)
  }

  /** The packet of connection n. @param {number} n */
  packet(n) {
    this.view.setUint32(14 + 12, 0x0a000000 + n)
    this.view.setUint16(14 + 20 + 2, PORT + (n % this.services))
    sumHeader(this.view, 14)
    return this.frame
  }

  /** Opens all connections. What the last thousand before each power of ten cost is told. @returns {TestRuns['opening']} */
  fill() {
    let n = 0
    const { program } = this.bench
    const open = (/** @type {number} */ to) =>
      this.bench.within(() => nanoseconds(program, () => repeat(program, this.ctx, to - n, () => this.packet(n++))))
    return [1000, 10_000, 100_000, 1_000_000]
      .filter((step) => step <= this.connections)
      .map((step) => {
        if (step > 1000) open(step - 1000)
        return { connections: step, ns: open(step) }
      })
  }

  /** Nanoseconds of a packet: of connections by chance, or of the first one always. @param {'one' | 'any'} which */
  known(which) {
    const { program } = this.bench
    const next = () => this.packet(which === 'one' ? 0 : Math.floor(Math.random() * this.connections))
    return this.bench.within(() => nanoseconds(program, () => repeat(program, this.ctx, RUNS, next)))
  }

  /** Bytes that the kernel holds for the table's maps (Linux 6.4; before, what it reserves). */
  bytes() {
    const { directory } = this.bench.table
    let sum = 0
    for (const name of readdirSync(directory)) {
      const fd = objGet(join(directory, name))
      const memory = /^memlock:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))
      // programs have one too
      if (memory && readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').includes('map_type')) sum += Number(memory[1])
      closeFd(fd)
    }
    return sum
  }

  close() {
    this.bench.close()
  }
}

const flows = /** @type {const} */ ({ one: 'one flow', any: 'all flows by chance' })

/**
 * The same packets with two tables, in turn.
 * @param {[number, number]} few services and connections
 * @param {[number, number]} many
 * @param {{ name: string, method: string }} forwarding
 */
function compareTables(few, many, { name, method }) {
  const tables = [few, many].map(([services, connections], i) => new Filled(`runs${i}`, services, connections, method))
  try {
    const opening = tables.map((table) => table.fill())
    const scale = /** @type {(keyof typeof flows)[]} */ (Object.keys(flows)).flatMap((which) => {
      const samples = tables.map(() => /** @type {number[]} */ ([]))
      for (let round = 0; round <= ROUNDS; round += 1)
        for (const [i, table] of tables.entries()) {
          const ns = table.known(which)
          if (round > 0) samples[i]?.push(ns)
        }
      return tables.map(({ services, connections }, i) => ({
        name: `${name}, ${flows[which]}`,
        services,
        connections,
        ns: spread(samples[i] ?? []),
        ratio: paired(samples[i] ?? [], samples[0] ?? []),
      }))
    })
    const memory = tables.map((table) => ({ connections: table.connections, bytes: table.bytes() }))
    return { scale, opening, memory }
  } finally {
    for (const table of tables) table.close()
  }
}

const nat = { name: 'NAT', method: 'masq' }
const tunnel = { name: 'IPIP tunnel', method: 'tunnel' }

/** @returns {TestRuns} */
export function testRuns() {
  const statistics = enableStatistics()
  try {
    const byServices = [nat, tunnel].flatMap((one) => compareTables([1, 10_000], [10_000, 10_000], one).scale)
    const byConnections = compareTables([1, 1000], [1, 1_000_000], nat)
    return {
      single: single(),
      scale: [...byServices, ...byConnections.scale],
      opening: byConnections.opening[1] ?? [],
      memory: byConnections.memory,
    }
  } finally {
    closeFd(statistics)
  }
}
