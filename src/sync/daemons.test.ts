import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { describe, it } from 'node:test'
import type { ConnectionEntry, ConnectionSight, Insertion } from '../ipvs/index.js'
import { Backup } from './backup.js'
import { type Control, decodeControl, encodeControl, listenForAll, type Resync, tellAll } from './bulk.js'
import { decode, MalformedError } from './decode.js'
import { Packer } from './encode.js'
import { connectionOf, entryOf } from './entries.js'
import { Master, type Source } from './master.js'
import type { SyncMessage } from './message.js'

const address = (last: number) => new Uint8Array([10, 0, 0, last])

const entry = (clientPort: number, more: Partial<ConnectionEntry> = {}): ConnectionEntry => ({
  family: 'inet',
  protocol: 6,
  template: false,
  clientAddress: address(1),
  clientPort,
  virtualAddress: address(100),
  virtualPort: 80,
  serverAddress: address(3),
  serverPort: 8080,
  fwmark: 0,
  method: 'masq',
  state: 1,
  inactive: false,
  noOutput: false,
  timeout: 900,
  ...more,
})

/** A table of connections in memory: the record's number is the client's port. */
class Records implements Source {
  readonly sights = new Map<number, ConnectionSight>()
  settings = { threshold: 3, period: 50, refreshPeriod: 0, retries: 0, templatesOnly: false }
  rules = () => this.settings
  tops = () => [100_000, 1] as const
  nextChanged(family: 0 | 1, from: number, to: number): number {
    const ids = family === 0 ? [...this.sights.keys()].filter((id) => id >= from && id < to) : []
    return Math.min(to, ...ids)
  }
  sight = (family: 0 | 1, id: number) => (family === 0 ? this.sights.get(id) : undefined)
  parent = (_: 0 | 1, id: number) => (this.sights.get(id)?.controlled ? this.sights.get(9) : undefined)
  entry = ({ id, state, template, timeout }: ConnectionSight) => entry(id, { state, template, timeout })

  put(id: number, more: Partial<ConnectionSight>): void {
    const sight = { family: 0, id, generation: 1, template: false, controlled: false, protocol: 6, state: 1 } as const
    this.sights.set(id, { ...sight, packets: 3, timeout: 900, told: false, ...this.sights.get(id), ...more })
  }
}

const pack = (entries: readonly ConnectionEntry[], syncid = 7) => {
  const sent: Uint8Array[] = []
  const packer = new Packer(syncid, 1472, (datagram) => sent.push(datagram))
  for (const one of entries) packer.add(connectionOf(one))
  packer.flush()
  return sent
}

describe('a master', () => {
  const records = new Records()
  const sent: Uint8Array[] = []
  const master = new Master(records, 7, 1472, (datagram) => sent.push(datagram))
  const pass = async () => {
    sent.length = 0
    await master.pass()
    return sent.flatMap((one) => decode(one).connections.map(({ clientPort }) => clientPort))
  }

  it('tells what is due, by the parameters of the table', async () => {
    for (const id of [1, 2, 60_000]) records.put(id, {})
    records.put(3, { packets: 2 })
    assert.deepEqual(await pass(), [1, 2, 60_000])
    assert.deepEqual(await pass(), [])
    records.put(3, { packets: 3 })
    records.put(2, { packets: 4, state: 5 })
    assert.deepEqual(await pass(), [2, 3])
    records.settings.threshold = 4
    records.put(1, { packets: 4 })
    assert.deepEqual(await pass(), [1])
  })

  it('tells a template before it expires where its connections move', async () => {
    records.put(9, { template: true, state: 1, timeout: 360 })
    records.put(20, { controlled: true, packets: 1 })
    assert.deepEqual(await pass(), [9])
  })

  it('counts', () => assert.deepEqual([master.figures.datagrams, master.figures.connections], [4, 7]))
})

describe('a backup', () => {
  function backup(syncid = 0) {
    const taken: ConnectionEntry[] = []
    const results = new Map<number, Insertion>()
    const clock = { now: 0 }
    const sink = {
      insert: (entries: readonly ConnectionEntry[]) => {
        taken.push(...entries)
        return entries.map(({ clientPort }) => results.get(clientPort) ?? 'made')
      },
    }
    return { taken, results, clock, daemon: new Backup(sink, syncid, () => clock.now) }
  }

  it('takes what a master tells, as it was told', () => {
    const { taken, daemon } = backup()
    const all = [
      entry(1),
      entry(2, { state: 5, inactive: true, timeout: 120 }),
      entry(3, { method: 'route', noOutput: true }),
    ]
    for (const datagram of pack(all)) daemon.receive(datagram)
    assert.deepEqual(taken, all)
    assert.deepEqual(all.map(connectionOf).map(entryOf), all)
  })

  it('counts a malformed datagram by its reason, and takes nothing of it', () => {
    const { taken, daemon } = backup()
    const [datagram] = pack([entry(1), entry(2)]) as [Uint8Array]
    daemon.receive(datagram.subarray(0, 50))
    daemon.receive(datagram.map((byte, i) => (i === 8 + 36 ? 9 : byte)))
    assert.deepEqual(daemon.figures.malformed, { size: 1, type: 1 })
    assert.deepEqual(taken, [])
  })

  it('takes nothing of another syncid', () => {
    const { taken, daemon } = backup(8)
    for (const datagram of pack([entry(1)], 7)) daemon.receive(datagram)
    assert.equal(daemon.figures.others, 1)
    for (const datagram of pack([entry(2)], 8)) daemon.receive(datagram)
    assert.deepEqual(
      taken.map(({ clientPort }) => clientPort),
      [2],
    )
  })

  it('keeps what has no server yet, as long as it would live', () => {
    const { taken, results, clock, daemon } = backup()
    for (const port of [1, 2]) results.set(port, 'no-server')
    for (const datagram of pack([entry(1, { timeout: 100 }), entry(2, { timeout: 10 }), entry(3)]))
      daemon.receive(datagram)
    assert.equal(daemon.figures.waiting, 2)
    clock.now = 20
    taken.length = 0
    daemon.retry()
    assert.deepEqual(
      taken.map(({ clientPort, timeout }) => [clientPort, timeout]),
      [[1, 80]],
    )
    assert.equal(daemon.figures.waiting, 1)
    results.clear()
    daemon.retry()
    assert.deepEqual([daemon.figures.waiting, daemon.figures.insertions.made], [0, 2])
  })

  it('takes the datagram rather than the resync, which may be older', () => {
    const { taken, daemon } = backup()
    daemon.beginResync()
    for (const datagram of pack([entry(1, { state: 5 })])) daemon.receive(datagram)
    for (const datagram of pack([entry(1), entry(2)])) daemon.receiveAll(decode(datagram))
    assert.deepEqual(
      taken.map(({ clientPort, state }) => [clientPort, state]),
      [
        [1, 5],
        [2, 1],
      ],
    )
  })

  it('counts what it cannot use: rewritten sequence numbers, an unknown client port', () => {
    const { taken, daemon } = backup()
    const sequence = { initial: 0, delta: 1, previousDelta: 0 }
    const packer = new Packer(7, 1472, (datagram) => daemon.receive(datagram))
    packer.add({ ...connectionOf(entry(1)), flags: 0x200, sequences: { in: sequence, out: sequence } })
    packer.add({ ...connectionOf(entry(0)), flags: 0x800 })
    packer.flush()
    assert.deepEqual([taken.length, daemon.figures.insertions.unsupported], [0, 2])
  })
})

describe('a resync', () => {
  const request = (port: number, number = 42n): Control => ({ kind: 'request', syncid: 7, number, value: port })

  async function listen(expected = 42n) {
    const messages: SyncMessage[] = []
    let end: (resync: Resync) => void = () => {}
    const ended = new Promise<Resync>((resolve) => {
      end = resolve
    })
    const server = await listenForAll(
      '127.0.0.1',
      (number) => number === expected,
      (one) => messages.push(one),
      (one) => end(one),
    )
    return { server, port: (server.address() as { port: number }).port, messages, ended }
  }

  it('tells all connections, however many', async () => {
    const { server, port, messages, ended } = await listen()
    const all = Array.from({ length: 60_000 }, (_, i) => entry(i + 1))
    assert.equal(await tellAll('127.0.0.1', request(port), 7, all.map(connectionOf)), 60_000)
    assert.deepEqual(await ended, { from: '127.0.0.1', connections: 60_000 })
    const ports = messages.flatMap(({ connections }) => connections.map(({ clientPort }) => clientPort))
    assert.deepEqual(
      ports,
      all.map(({ clientPort }) => clientPort),
    )
    server.close()
  })

  it('is not taken from somebody who was not asked', async () => {
    const { server, port, messages, ended } = await listen(43n)
    await tellAll('127.0.0.1', request(port), 7, [connectionOf(entry(1))]).catch(() => {})
    assert.match((await ended).error ?? '', /nothing that was asked/)
    assert.deepEqual(messages, [])
    server.close()
  })

  it('that breaks off says so', async () => {
    const { server, port, ended } = await listen()
    const some = (function* () {
      yield connectionOf(entry(1))
      throw new Error('no more')
    })()
    await assert.rejects(tellAll('127.0.0.1', request(port), 7, some), /no more/)
    assert.ok((await ended).error)
    server.close()
  })

  it('finds nobody there', async () => {
    const server: Server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    await assert.rejects(tellAll('127.0.0.1', request(port), 7, []))
  })

  it('is asked for by what IPVS reads as a message without connections', () => {
    const bytes = encodeControl(request(12345))
    assert.deepEqual(decodeControl(bytes), request(12345))
    // version 0 has the count first, then the syncid and the size; and it is not version 1
    assert.deepEqual([...bytes.subarray(0, 4)], [0, 7, 0, bytes.byteLength])
    assert.notEqual(bytes[5], 1)
    assert.throws(() => decode(bytes), MalformedError)
    for (const at of [0, 2, 4, 5, 6, 7])
      assert.equal(decodeControl(bytes.map((one, i) => (i === at ? 99 : one))), undefined)
  })
})
