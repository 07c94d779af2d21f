import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { decode, type Malformation, MalformedError } from './decode.js'
import { Packer } from './encode.js'
import { Flag, type SyncConnection } from './message.js'

interface Recorded {
  readonly name: string
  readonly version: 0 | 1
  readonly datagrams: readonly { readonly data: string }[]
}

/** What kernel IPVS 6.1 multicast: testdata/record.mjs. Compiled, this file is in dist/, and the data stays in src/. */
const recorded = readFileSync(new URL('../../src/sync/testdata/datagrams.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as Recorded)

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const all = recorded.flatMap(({ name, version, datagrams }) =>
  datagrams.map(({ data }, i) => ({ name: `${name}, ${i + 1}`, version, bytes: bytesOf(data) })),
)
const of = (name: string) => decode((all.find((one) => one.name === `${name}, 1`) as (typeof all)[number]).bytes)

function pack(connections: readonly SyncConnection[], syncid = 7, length = 1472): Uint8Array[] {
  const sent: Uint8Array[] = []
  const packer = new Packer(syncid, length, (datagram) => sent.push(datagram))
  for (const connection of connections) assert.equal(packer.add(connection), true)
  packer.flush()
  return sent
}

function refused(bytes: Uint8Array): Malformation | undefined {
  try {
    decode(bytes)
    return undefined
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return error.reason
  }
}

const connection: SyncConnection = {
  family: 'inet',
  protocol: 6,
  flags: 0,
  state: 1,
  clientAddress: bytesOf('0a000001'),
  clientPort: 1001,
  virtualAddress: bytesOf('0a000064'),
  virtualPort: 80,
  serverAddress: bytesOf('0a000003'),
  serverPort: 8080,
  fwmark: 0,
  timeout: 900,
}
const connection6: SyncConnection = {
  ...connection,
  family: 'inet6',
  clientAddress: new Uint8Array(16).fill(1),
  virtualAddress: new Uint8Array(16).fill(2),
  serverAddress: new Uint8Array(16).fill(3),
}
const sequence = { initial: 4_000_000_000, delta: -7, previousDelta: 0 }
const whole: SyncConnection = {
  ...connection6,
  flags: Flag.IN_SEQUENCE,
  sequences: { in: sequence, out: { initial: 1, delta: 2, previousDelta: 3 } },
  engine: { name: 'sip', data: bytesOf('616263') },
}

describe('what kernel IPVS sent', () => {
  for (const { name, version, bytes } of all) {
    it(`is understood${version === 1 ? ', and written the same' : ''}: ${name}`, () => {
      const message = decode(bytes)
      assert.equal(message.version, version)
      if (version === 1)
        // "many in one" was sent with the longest datagram of 200 bytes
        assert.deepEqual(pack(message.connections, message.syncid, name.startsWith('many') ? 200 : 1472).map(hexOf), [
          hexOf(bytes),
        ])
    })
  }

  it('is a NAT connection, as /proc/net/ip_vs_conn shows it', () => {
    const { syncid, connections } = of('tcp nat, default threshold')
    assert.equal(syncid, 7)
    assert.deepEqual(connections[0], { ...connection, serverPort: 80 })
    // CLOSE_WAIT, then TIME_WAIT
    const ends = connections.slice(1).map(({ state, flags, timeout }) => [state, flags, timeout])
    assert.deepEqual(ends, [
      [7, Flag.INACTIVE, 60],
      [5, Flag.INACTIVE, 120],
    ])
  })

  it('is a template of a firewall mark, which stands where the address was', () => {
    const template = of('firewall mark, persistent').connections[0]
    assert.equal(template?.flags, Flag.TEMPLATE | Flag.INACTIVE)
    assert.deepEqual([template.protocol, template.fwmark, template.timeout], [0, 7, 200])
    assert.equal(hexOf(template.virtualAddress), '00000007')
  })

  it('is a template of a SIP call', () => {
    const template = of('sip').connections[1]
    assert.deepEqual(template?.engine, { name: 'sip', data: new Uint8Array(Buffer.from('abc-123@example')) })
  })

  it('is without a timeout in version 0', () => {
    const { connections } = of('version 0')
    assert.equal(connections.length, 18)
    assert.equal(connections[0]?.timeout, undefined)
  })
})

describe('what is written', () => {
  it('reads back, with all that there can be', () => {
    const all = [whole, connection, connection6]
    const [datagram] = pack(all)
    assert.deepEqual(decode(datagram as Uint8Array), { version: 1, syncid: 7, connections: all })
  })

  it('keeps to the length, and to 255 connections a datagram', () => {
    const lengths = pack(Array(100).fill(connection), 7, 200).map(({ byteLength }) => byteLength)
    assert.deepEqual(lengths, Array(20).fill(188))
    const counts = pack(Array(600).fill(connection), 7, 65507).map((one) => decode(one).connections.length)
    assert.deepEqual(counts, [255, 255, 90])
  })

  it('holds one connection though the length is less, and leaves out what cannot fit', () => {
    assert.equal(pack([connection], 7, 1)[0]?.byteLength, 44)
    assert.equal(new Packer(7, 1, () => {}).add(connection6), false)
  })

  it('does not say that a connection stands in our table', () => {
    const [datagram] = pack([{ ...connection, flags: Flag.HASHED | Flag.INACTIVE }])
    assert.equal(decode(datagram as Uint8Array).connections[0]?.flags, Flag.INACTIVE)
  })
})

describe('a malformed datagram', () => {
  const [good] = pack([connection, whole]) as [Uint8Array]

  // the first record is at 8 and the second at 44, its options at 116: sequences, then the engine's data at 142, its name at 147
  /** `good`, or another one, with bytes set and the length right all the same. */
  function changed(at: Record<number, number>, base = good): Uint8Array {
    const bytes = base.slice()
    for (const [offset, value] of Object.entries(at)) bytes[Number(offset)] = value
    return bytes
  }

  const cases: [string, Malformation, Uint8Array][] = [
    ['empty', 'short', new Uint8Array(0)],
    ['three bytes', 'short', new Uint8Array(3)],
    ['cut', 'size', good.subarray(0, good.byteLength - 1)],
    ['longer than it says', 'size', new Uint8Array([...good, 0])],
    ['of a version to come', 'version', changed({ 5: 2 })],
    ['with a reserved field', 'version', changed({ 7: 1 })],
    ['with fewer connections than it says', 'truncated', changed({ 4: 3 })],
    ['with more connections than it says', 'trailing', changed({ 4: 1 })],
    ['with none of what it holds', 'trailing', changed({ 4: 0 })],
    ['of an unknown type', 'type', changed({ 8: 2 })],
    ['IPv6 by its type, IPv4 by its length', 'length', changed({ 8: 1 })],
    ['with a record of another version', 'version', changed({ 10: 0x10 })],
    ['with a record beyond the end', 'truncated', changed({ 10: 0x0f })],
    ['with a record shorter than its fields', 'length', changed({ 11: 35 })],
    ['with an option of length 0', 'option', changed({ 117: 0 })],
    ['with an option beyond its record', 'option', changed({ 117: 200 })],
    ['with an unknown option', 'option', changed({ 116: 9 })],
    ['with sequences that no flag tells of', 'flags', changed({ 50: 0 })],
    ['with a flag for sequences that are not there', 'flags', changed({ 14: 2 })],
    ['with an impossible method', 'flags', changed({ 15: 7 })],
    ['one-packet', 'flags', changed({ 14: 0x20 })],
    ['with a TCP state that there is not', 'state', changed({ 17: 11 })],
    ['with a template state that there is not', 'state', changed({ 14: 0x10, 17: 2 })],
    ['of ICMP', 'protocol', changed({ 9: 1 })],
    ['with a name that is none', 'option', changed({ 149: 0x2f })],
  ]
  for (const [name, reason, bytes] of cases) {
    it(`${name} gives nothing: ${reason}`, () => assert.equal(refused(bytes), reason))
  }

  it('skips an option that says that it may be', () => {
    const { connections } = decode(changed({ 116: 0x41, 50: 0 }))
    assert.equal(connections[1]?.sequences, undefined)
  })

  it('never crashes, and gives only what the protocol allows', () => {
    let seed = 20261124
    const random = (below: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    const taken = { none: 0, some: 0 }
    for (let round = 0; round < 60_000; round += 1) {
      const original = (all[random(all.length)] as (typeof all)[number]).bytes
      let bytes = original.slice()
      for (let edits = 1 + random(4); edits > 0; edits -= 1) {
        const at = random(bytes.byteLength + 1)
        const kind = random(4)
        if (kind === 0) bytes[at] = random(256)
        else if (kind === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
        else if (kind === 2) bytes = bytes.slice(0, at)
        else bytes = new Uint8Array([...bytes.subarray(0, at), random(256), ...bytes.subarray(at)])
      }
      // most cuts would be seen by the length alone
      if (bytes.byteLength >= 4 && random(2) === 0) new DataView(bytes.buffer).setUint16(2, bytes.byteLength)
      if (refused(bytes) !== undefined) {
        taken.none += 1
        continue
      }
      taken.some += 1
      for (const one of decode(bytes).connections) {
        const size = one.family === 'inet' ? 4 : 16
        assert.equal(one.clientAddress.byteLength, size)
        assert.equal(one.virtualAddress.byteLength, size)
        assert.equal(one.serverAddress.byteLength, size)
        assert.ok(one.state < (one.flags & Flag.TEMPLATE ? 2 : 14))
        assert.ok((one.flags & Flag.METHOD_MASK) <= 4)
      }
    }
    assert.ok(taken.none > 20_000 && taken.some > 1000, JSON.stringify(taken))
  })
})
