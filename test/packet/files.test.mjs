// The files to cat: the text of kernel 6.1's /proc/net/ip_vs, ip_vs_stats and ip_vs_stats_percpu, byte for byte.
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CountersRecord,
  maps,
  SluiceFamily,
  SluiceMethod,
  SluiceProtocol,
  SluiceScheduler,
  SluiceSchedulerName,
  SluiceServiceFlag,
  SluiceSlot,
  TOTALS,
} from '../../dist/datapath/index.js'
import { closeFd, mapMmap, munmap, objGet, possibleCpus } from '../../dist/kernel/index.js'
import { arrives, Bench, freshPort, networks, packet } from '../lib/bench.mjs'
import { address as addressBytes } from '../lib/packet.mjs'

const HEAD = `IP Virtual Server version 1.2.1 (size=131072)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
`

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const file = (name) => join(bench.table.directory, name)
const read = (name) => readFileSync(file(name), 'latin1')

/** 16 bytes of an address: IPv4 in the first four. */
function bytesOf(address) {
  if (!address.includes(':')) return [...address.split('.').map(Number), ...Array(12).fill(0)]
  const [left = '', right = ''] = address.split('::')
  const words = (part) => part.split(':').filter(Boolean)
  const middle = Array(8 - words(left).length - words(right).length).fill('0')
  return [...words(left), ...middle, ...words(right)].flatMap((word) => {
    const value = Number.parseInt(word, 16)
    return [value >> 8, value & 255]
  })
}

const family = (address) => (address.includes(':') ? SluiceFamily.INET6 : SluiceFamily.INET)

/**
 * Writes services and servers as records, in the order given, from slot 1 on: the files show any that the records can
 * say, whether or not a command makes them.
 */
function fill(services) {
  const { table } = bench
  const top = { service: table.settings.serviceTop, server: table.settings.serverTop }
  let server = 0
  services.forEach(({ servers = [], ...s }, i) => {
    const slot = i + 1
    const record = table.service(slot)
    record.bytes().fill(0)
    if (s.fwmark) Object.assign(record.key, { fwmark: s.fwmark, family: s.family ?? SluiceFamily.INET })
    else {
      record.key.addressBytes().set(bytesOf(s.address))
      Object.assign(record.key, { port: s.port, protocol: s.protocol ?? SluiceProtocol.TCP, family: family(s.address) })
    }
    const { scheduler = SluiceScheduler.RR, flags = 0, persistence = 0, prefix = 32 } = s
    const netmask = prefix > 32 ? 0 : (0xffffffff << (32 - prefix)) >>> 0
    Object.assign(record.options(0), { scheduler, flags, persistence, prefix, netmask })
    let previous
    for (const r of servers) {
      server += 1
      const real = table.server(server)
      real.bytes().fill(0)
      real.addressBytes().set(bytesOf(r.address))
      Object.assign(real, { port: r.port ?? 80, family: family(r.address), slotState: SluiceSlot.LIVE, service: slot })
      Object.assign(real, { active: r.active ?? 0, inactive: r.inactive ?? 0 })
      Object.assign(real.options(0), { weight: r.weight ?? 1, method: r.method ?? SluiceMethod.MASQ })
      if (previous) previous.next = server
      else record.head = server
      previous = real
    }
    record.slotState = SluiceSlot.LIVE
  })
  table.settings.serviceTop = services.length + 1
  table.settings.serverTop = server + 1
  return () => {
    for (let slot = 1; slot <= services.length; slot += 1) table.service(slot).bytes().fill(0)
    for (let slot = 1; slot <= server; slot += 1) table.server(slot).bytes().fill(0)
    table.settings.serviceTop = top.service
    table.settings.serverTop = top.server
  }
}

test('an empty table', () => {
  assert.equal(read('ip_vs'), HEAD)
})

test('services and servers of every kind, as kernel 6.1 shows them', (t) => {
  const { PERSISTENT, ONE_PACKET, SCHED1 } = SluiceServiceFlag
  const { RR, WRR, WLC, NQ } = SluiceScheduler
  const { TUNNEL, ROUTE, LOCAL } = SluiceMethod
  const vip = '10.1.0.1'
  t.after(
    fill([
      { fwmark: 7, servers: [{ address: '10.2.0.11', port: 0, method: ROUTE }] },
      { address: vip, port: 0, flags: PERSISTENT, persistence: 360 },
      {
        address: vip,
        port: 53,
        protocol: SluiceProtocol.UDP,
        flags: ONE_PACKET,
        servers: [{ address: '10.2.0.11', port: 53 }],
      },
      {
        address: 'fd00::1',
        port: 80,
        scheduler: WRR,
        flags: PERSISTENT,
        persistence: 400,
        prefix: 64,
        servers: [{ address: '10.2.0.11', method: TUNNEL }, { address: 'fd00::11' }],
      },
      {
        address: vip,
        port: 80,
        scheduler: WLC,
        servers: [
          { address: '127.0.0.1', method: LOCAL, weight: 3, active: 1234567890, inactive: 7 },
          { address: '10.2.0.1', weight: 2147483647 },
          { address: '10.2.0.13', method: TUNNEL, weight: 0 },
          { address: '10.2.0.12', method: ROUTE, weight: 65535 },
        ],
      },
      { address: vip, port: 447, scheduler: 0 },
      { address: vip, port: 444, flags: PERSISTENT | SCHED1, persistence: 7, prefix: 16 },
      { address: vip, port: 90, protocol: SluiceProtocol.SCTP, scheduler: NQ },
      { fwmark: 8, family: SluiceFamily.INET6, scheduler: WRR, flags: PERSISTENT, persistence: 12, prefix: 64 },
      { fwmark: 300, scheduler: RR, flags: PERSISTENT | ONE_PACKET, persistence: 300 },
    ]),
  )
  assert.equal(
    read('ip_vs'),
    `${HEAD}TCP  0A010001:0000 rr  persistent 90000 FFFFFFFF
UDP  0A010001:0035 rr ops  
  -> 0A02000B:0035      Masq    1      0          0         
TCP  [fd00:0000:0000:0000:0000:0000:0000:0001]:0050 wrr persistent 100000 40000000
  -> 0A02000B:0050      Tunnel  1      0          0         
  -> [fd00:0000:0000:0000:0000:0000:0000:0011]:0050      Masq    1      0          0         
TCP  0A010001:0050 wlc  
  -> 7F000001:0050      Local   3      1234567890 7         
  -> 0A020001:0050      Masq    2147483647 0          0         
  -> 0A02000D:0050      Tunnel  0      0          0         
  -> 0A02000C:0050      Route   65535  0          0         
TCP  0A010001:01BF none  
TCP  0A010001:01BC rr  persistent 1750 FFFF0000
SCTP  0A010001:005A nq  
FWM  00000007 rr 
  -> 0A02000B:0000      Route   1      0          0         
FWM  00000008 wrr persistent 3000 40000000
FWM  0000012C rr ops persistent 75000 FFFFFFFF
`,
  )
})

test('every scheduler has its name', (t) => {
  const ids = Object.values(SluiceScheduler)
  t.after(fill(ids.map((scheduler, i) => ({ address: '10.1.0.1', port: i + 1, scheduler }))))
  const shown = read('ip_vs').slice(HEAD.length).split('\n').slice(0, -1)
  assert.deepEqual(
    shown.map((line) => line.split(' ')[3]),
    ids.map((id) => SluiceSchedulerName[id].toLowerCase()),
  )
})

/** What the file says of a table of services on 10.<i>.<i>.1:80. */
const largeTable = (services, servers) =>
  Array.from({ length: services }, (_, i) => ({
    address: `10.${i >> 8}.${i & 255}.1`,
    port: 80,
    servers: Array.from({ length: servers }, (_, k) => ({ address: `172.16.${k >> 8}.${k & 255}`, weight: i + k })),
  }))
const hex = (address) =>
  address
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0').toUpperCase())
    .join('')
const largeText = (table) =>
  HEAD +
  table
    .map(({ address, servers }) =>
      [
        `TCP  ${hex(address)}:0050 rr  `,
        ...servers.map(
          (s) => `  -> ${hex(s.address)}:0050      Masq    ${String(s.weight).padEnd(6)} 0          0         `,
        ),
      ]
        .map((line) => `${line}\n`)
        .join(''),
    )
    .join('')

for (const [what, services, servers] of [
  ['ten thousand services of four servers', 10_000, 4],
  ['a service of five thousand servers, more than the kernel prints at once', 2, 5000],
]) {
  test(`${what}: each line once, in order`, (t) => {
    const table = largeTable(services, servers)
    t.after(fill(table))
    assert.ok(read('ip_vs') === largeText(table))
  })
}

test('two readers at the same time, each in small pieces, do not disturb each other', (t) => {
  const table = largeTable(300, 4)
  t.after(fill(table))
  const wanted = largeText(table)
  const readers = [77, 4096].map((size) => ({ fd: openSync(file('ip_vs'), 'r'), piece: Buffer.alloc(size), text: '' }))
  try {
    for (let more = true; more; ) {
      more = false
      for (const reader of readers) {
        const count = readSync(reader.fd, reader.piece)
        reader.text += reader.piece.toString('latin1', 0, count)
        more ||= count > 0
      }
    }
    for (const { text } of readers) assert.ok(text === wanted)
  } finally {
    for (const { fd } of readers) closeSync(fd)
  }
})

test('statistics: what each CPU counted, all together since zero, and rates', (t) => {
  t.after(
    fill([
      { address: '10.1.0.1', port: 80 },
      { address: '10.1.0.2', port: 80 },
    ]),
  )
  const rows = maps.services.maxEntries + maps.servers.maxEntries
  const cpus = possibleCpus()
  const fd = objGet(file('counters'))
  const memory = mapMmap(fd, cpus * rows * CountersRecord.SIZE)
  closeFd(fd)
  const counters = (cpu, slot) => new CountersRecord(new DataView(memory), (cpu * rows + slot) * CountersRecord.SIZE)
  const count = (connections, inPackets, outPackets, inBytes, outBytes) => ({
    connections: BigInt(connections),
    inPackets: BigInt(inPackets),
    outPackets: BigInt(outPackets),
    inBytes: BigInt(inBytes),
    outBytes: BigInt(outBytes),
  })
  try {
    // on the first CPU one service each way, on the last one both
    Object.assign(counters(0, 1), count(4, 0x161, 7, 0x89e4, 0x380))
    if (cpus > 1) {
      Object.assign(counters(cpus - 1, 1), count(0, 0x200, 1, 0xd000, 0x100))
      Object.assign(counters(cpus - 1, 2), count(0, 0x25, 2, 0x674, 0x80))
    }
    const quiet = '       0        0        0                0                0\n'
    const lines = Array.from({ length: cpus }, (_, cpu) => {
      const head = cpu.toString(16).toUpperCase().padStart(3)
      if (cpu === 0) return `${head}        4      161        7             89E4              380\n`
      if (cpu === cpus - 1) return `${head}        0      225        3             D674              180\n`
      return `${head} ${quiet}`
    }).join('')
    const all = cpus > 1 ? [4n, 0x386n, 10n, 0x16058n, 0x500n] : [4n, 0x161n, 7n, 0x89e4n, 0x380n]
    const line = (values) =>
      values
        .map((value, i) =>
          value
            .toString(16)
            .toUpperCase()
            .padStart(i < 3 ? 8 : 16),
        )
        .join(' ')
    const stats = (totals, rates) => `   Total Incoming Outgoing         Incoming         Outgoing
   Conns  Packets  Packets            Bytes            Bytes
${line(totals)}

 Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
${line(rates)}
`
    const perCpu = (totals, rates) => `       Total Incoming Outgoing         Incoming         Outgoing
CPU    Conns  Packets  Packets            Bytes            Bytes
${lines}  ~ ${line(totals)}

     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
    ${line(rates)}
`
    const none = [0n, 0n, 0n, 0n, 0n]
    // rates shown are the estimator's, which looks when it likes: hold them still by a mark that it has not seen
    const rates = bench.table.rates(TOTALS)
    const still = { stats: '', perCpu: '' }
    bench.table.resetRates(TOTALS)
    still.stats = read('ip_vs_stats')
    bench.table.resetRates(TOTALS)
    still.perCpu = read('ip_vs_stats_percpu')
    assert.equal(still.stats, stats(all, none))
    assert.equal(still.perCpu, perCpu(all, none))

    bench.edit((director) => director.zero())
    assert.equal(read('ip_vs_stats'), stats(none, none))
    assert.equal(read('ip_vs_stats_percpu'), perCpu(none, none), 'a CPU keeps its own counts')

    // once more with rates: the text says what the table says, both before and after it is read
    for (;;) {
      const shown = () => Object.values(bench.within(() => bench.director.totals().rates))
      rates.seen = rates.reset
      rates.average.inPackets = 0x1a10n << 10n
      rates.average.outBytes = 0xfffffn << 5n
      const before = shown()
      const texts = [read('ip_vs_stats'), read('ip_vs_stats_percpu')]
      if (shown().join() !== before.join()) continue
      assert.deepEqual(texts, [stats(none, before), perCpu(none, before)])
      assert.ok(before[1] > 0n && before[4] > 0n)
      break
    }
  } finally {
    munmap(memory)
  }
})

const CONNECTIONS = 'Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n'

test('connections: none', () => {
  assert.equal(read('ip_vs_conn'), CONNECTIONS)
})

test('connections: one line each, of either family, as kernel 6.1 shows them', (t) => {
  const [four, six] = networks
  const cases = [
    [four, { protocol: 'tcp', port: 80 }, { port: 8080 }, four.SERVER, 8080, 'SYN_RECV', 60],
    [four, { protocol: 'tcp', port: 81 }, { method: 'route' }, four.SERVER, 81, 'SYN_RECV', 60],
    [four, { protocol: 'udp', port: 53 }, { port: 5353 }, four.SERVER, 5353, 'UDP', 300],
    [six, { protocol: 'tcp', port: 80 }, { port: 8080 }, six.SERVER, 8080, 'SYN_RECV', 60],
    [six, { protocol: 'udp', port: 81 }, { method: 'tunnel', address: four.SERVER }, four.SERVER, 81, 'UDP', 300],
    [four, { protocol: 'udp', port: 82 }, { method: 'tunnel', address: six.SERVER }, six.SERVER, 82, 'UDP', 300],
  ]
  const shownAddress = (text) => {
    const bytes = addressBytes(text).toString('hex')
    return text.includes(':') ? bytes.replace(/(.{4})(?!$)/g, '$1:') : bytes.toUpperCase()
  }
  const port = (number) => number.toString(16).toUpperCase().padStart(4, '0')
  const wanted = []
  for (const [net, service, server, to, serverPort, state, timeout] of cases) {
    const { protocol, port: dport } = service
    const key = bench.serve({ ...service, address: net.VIP }, { address: net.SERVER, ...server })
    t.after(() => bench.stop(key))
    const sport = freshPort()
    const request = { protocol, source: net.CLIENT, destination: net.VIP, sport, dport }
    bench.send(arrives(net.CLIENT, 'eth0', packet(request)))
    const ends = `${shownAddress(net.CLIENT)} ${port(sport)} ${shownAddress(net.VIP)} ${port(dport)} ${shownAddress(to)} ${port(serverPort)}`
    wanted.push({ line: `${protocol.toUpperCase()} ${ends} ${state.padEnd(11)} `, timeout })
  }
  const [head, ...lines] = read('ip_vs_conn').split(/(?<=\n)/)
  assert.equal(head, CONNECTIONS)
  const shown = new Map(lines.map((line) => [line.slice(0, -8), line.slice(-8)]))
  assert.deepEqual([...shown.keys()].sort(), wanted.map(({ line }) => line).sort())
  for (const { line, timeout } of wanted) {
    assert.match(shown.get(line), /^ {4,6}\d{1,3}\n$/)
    // whole seconds that are left
    assert.ok(Number(shown.get(line)) < timeout)
  }
})

test('connections: a template beside the connection that it made', (t) => {
  const persistence = { timeout: 360 }
  const key = bench.serve({ port: 80, persistence }, {})
  t.after(() => bench.stop(key))
  const [four] = networks
  const sport = freshPort()
  const packet_ = packet({ source: four.CLIENT, destination: four.VIP, sport, dport: 80 })
  bench.send(arrives(four.CLIENT, 'eth0', packet_))
  const hexadecimal = (text) => addressBytes(text).toString('hex').toUpperCase()
  const [client, virtual, server] = [four.CLIENT, four.VIP, four.SERVER].map(hexadecimal)
  const lines = read('ip_vs_conn').split('\n')
  const port = sport.toString(16).toUpperCase()
  const find = (start) => lines.some((line) => line.startsWith(start))
  assert.ok(find(`TCP ${client} ${port} ${virtual} 0050 ${server} 0050 SYN_RECV `), lines.join('\n'))
  assert.ok(find(`TCP ${client} 0000 ${virtual} 0050 ${server} 0050 NONE `), lines.join('\n'))
})

test('the files go with the table', () => {
  const other = new Bench({ role: 'gone' })
  const place = other.table.directory
  assert.equal(readFileSync(join(place, 'ip_vs'), 'latin1'), HEAD)
  other.within(() => other.director.close())
  other.close()
  assert.throws(() => readFileSync(join(place, 'ip_vs')))
})
