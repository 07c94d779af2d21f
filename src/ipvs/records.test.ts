import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ServerOptionsRecord, ServiceOptionsRecord } from '../datapath/index.js'
import { SluiceError } from '../errors.js'
import { IpvsError } from './error.js'
import {
  checkServerOptions,
  checkServiceOptions,
  keyRecord,
  readKey,
  readServerOptions,
  readServiceOptions,
  writeServerOptions,
  writeServiceOptions,
} from './records.js'
import type { ServerOptions, ServiceKey, ServiceOptions, Tunnel } from './types.js'
import { refuseServer } from './unsupported.js'

const nowhere = { local: false, tunnelSource: new Uint8Array(16) }
const refuses = (work: () => void, errno: string) =>
  assert.throws(work, (error) => error instanceof IpvsError && error.errno === errno)
const unsupported = (work: () => void) =>
  assert.throws(work, (error) => SluiceError.is(error) && error.code === 'SLUICE_UNSUPPORTED')

const v4: ServiceKey = { protocol: 'tcp', address: '192.168.10.100', port: 80 }
const v6: ServiceKey = { protocol: 'tcp', address: 'fd00::100', port: 80 }

function service(options: ServiceOptions, key = v4): ServiceOptions {
  const record = ServiceOptionsRecord.allocate()
  writeServiceOptions(record, key, options)
  return readServiceOptions(record, key)
}

function server(options: ServerOptions): ServerOptions {
  const record = ServerOptionsRecord.allocate()
  writeServerOptions(record, options, nowhere)
  return readServerOptions(record)
}

describe('a service key in the form of a record', () => {
  it('has its address first and its port in network order', () => {
    const record = keyRecord({ protocol: 'udp', address: '192.168.10.100', port: 53 })
    assert.deepEqual([...record.bytes().subarray(0, 5)], [192, 168, 10, 100, 0])
    assert.deepEqual([...record.bytes().subarray(16, 18)], [0, 53])
  })

  it('has all sixteen bytes of an IPv6 address', () => {
    const bytes = keyRecord({ protocol: 'tcp', address: '2001:db8::1:0:9', port: 443 }).bytes()
    assert.equal(Buffer.from(bytes.subarray(0, 16)).toString('hex'), '20010db8000000000000000100000009')
  })

  it('of a firewall mark has no address, port or protocol', () => {
    const record = keyRecord({ fwmark: 0x8000_0001, family: 'inet6' })
    assert.deepEqual([...record.bytes().subarray(0, 19)], Array(19).fill(0))
    assert.equal(record.fwmark, 0x8000_0001)
  })

  const keys: ServiceKey[] = [
    ...(['tcp', 'udp', 'sctp'] as const).map((protocol) => ({ protocol, address: '10.0.0.1', port: 0 })),
    ...['::1', 'fd00::100', '2001:db8:1:2:3:4:5:6', '::ffff:10.0.0.1', '::'].map((address) => ({
      protocol: 'tcp' as const,
      address,
      port: 65535,
    })),
    { fwmark: 1, family: 'inet' },
    { fwmark: 4294967295, family: 'inet6' },
  ]
  for (const key of keys)
    it(`is read as it was written: ${JSON.stringify(key)}`, () => assert.deepEqual(readKey(keyRecord(key)), key))
})

describe("a service's options in the form of a record", () => {
  const all: [string, ServiceOptions, ServiceKey?][] = [
    ['a scheduler and its flags', { scheduler: 'wrr', schedulerFlags: new Set([1, 3]) }],
    ['persistence', { scheduler: 'rr', persistence: { timeout: 360 } }],
    ['persistence by network', { scheduler: 'rr', persistence: { timeout: 1, netmask: '255.255.0.0' } }],
    ['a mask of any bits', { scheduler: 'rr', persistence: { timeout: 1, netmask: '255.0.255.0' } }],
    ['a mask of none', { scheduler: 'rr', persistence: { timeout: 1, netmask: '0.0.0.0' } }],
    ['persistence by prefix', { scheduler: 'rr', persistence: { timeout: 360, netmask: '64' } }, v6],
    ['an engine', { scheduler: 'rr', persistence: { timeout: 30, engine: 'sip' } }],
    ['an engine without persistence', { scheduler: 'rr', persistence: { timeout: 0, engine: 'sip' } }],
    ['one-packet scheduling', { scheduler: 'rr', onePacket: true }],
  ]
  for (const [what, options, key] of all) it(`keep ${what}`, () => assert.deepEqual(service(options, key), options))

  it('forget a mask that every address has', () => {
    const one = { scheduler: 'rr', persistence: { timeout: 9 } }
    assert.deepEqual(service({ scheduler: 'rr', persistence: { timeout: 9, netmask: '255.255.255.255' } }), one)
    assert.deepEqual(service({ scheduler: 'rr', persistence: { timeout: 9, netmask: '128' } }, v6), one)
  })

  it('keep timeouts of their own, each for itself', () => {
    const record = ServiceOptionsRecord.allocate()
    for (const timeouts of [
      { tcp: 7200, udp: 10 },
      { udp: 0, tcpFin: 5 },
    ])
      writeServiceOptions(record, v4, { scheduler: 'rr', timeouts })
    writeServiceOptions(record, v4, { scheduler: 'wlc' })
    assert.deepEqual(readServiceOptions(record, v4), { scheduler: 'wlc', timeouts: { tcp: 7200, tcpFin: 5 } })
    writeServiceOptions(record, v4, { scheduler: 'wlc', timeouts: { tcp: 0, tcpFin: 0, udp: 0 } })
    assert.deepEqual(readServiceOptions(record, v4), { scheduler: 'wlc' })
  })
})

describe("a server's options in the form of a record", () => {
  for (const method of ['masq', 'route', 'local'] as const)
    it(`keep ${method}, weight and thresholds`, () => {
      const options = { method, weight: 65535, upperThreshold: 20, lowerThreshold: 5 }
      assert.deepEqual(server(options), options)
    })

  const tunnels: Tunnel[] = [
    { type: 'ipip' },
    ...(['none', 'csum', 'remcsum'] as const).map((checksum) => ({ type: 'gue' as const, port: 6080, checksum })),
    ...(['none', 'csum'] as const).map((checksum) => ({ type: 'gre' as const, checksum })),
  ]
  for (const tunnel of tunnels)
    it(`keep a tunnel: ${JSON.stringify(tunnel)}`, () => {
      const options = { method: 'tunnel', weight: 1, upperThreshold: 0, lowerThreshold: 0, tunnel } as const
      assert.deepEqual(server(options), options)
    })

  it('keep the outer source of a tunnel as bytes of the wire', () => {
    const record = ServerOptionsRecord.allocate()
    const place = { local: false, tunnelSource: Uint8Array.of(192, 168, 188, 8) }
    writeServerOptions(record, { method: 'tunnel', weight: 1 }, place)
    const at = ServerOptionsRecord.OFFSET.tunnelSource
    assert.deepEqual([...record.bytes().subarray(at, at + 4)], [192, 168, 188, 8])
  })
})

describe('refused as IPVS refuses it', () => {
  const persistent = (persistence: ServiceOptions['persistence'] & object) => ({ scheduler: 'rr', persistence })

  it('an unknown scheduler or persistence engine', () => {
    refuses(() => checkServiceOptions(v4, { scheduler: 'nosuch' }), 'ENOENT')
    refuses(() => checkServiceOptions(v4, persistent({ timeout: 60, engine: 'nosuch' })), 'ENOENT')
  })

  it('a prefix length of none or more than all bits, and a mask of the other family', () => {
    for (const netmask of ['0', '129', '255.255.0.0'])
      refuses(() => checkServiceOptions(v6, persistent({ timeout: 60, netmask })), 'EINVAL')
    refuses(
      () => checkServiceOptions({ fwmark: 1, family: 'inet6' }, persistent({ timeout: 60, netmask: '0' })),
      'EINVAL',
    )
    refuses(() => checkServiceOptions(v4, persistent({ timeout: 60, netmask: '64' })), 'EINVAL')
  })

  const one = { address: '10.0.0.2', port: 80 }
  const check = (options: ServerOptions, to = one) => checkServerOptions(v4, to, options)

  it('a negative weight, and thresholds the wrong way round', () => {
    refuses(() => check({ method: 'masq', weight: -1 }), 'ERANGE')
    refuses(() => check({ method: 'masq', weight: 2 ** 31 }), 'ERANGE')
    refuses(() => check({ method: 'masq', weight: 1, upperThreshold: 5, lowerThreshold: 6 }), 'ERANGE')
    refuses(() => check({ method: 'masq', weight: 1, lowerThreshold: 1 }), 'ERANGE')
    refuses(() => check({ method: 'masq', weight: 1, upperThreshold: 2 ** 31 }), 'EINVAL')
  })

  it('a GUE tunnel without its port, and a server of the other family without a tunnel', () => {
    refuses(() => check({ method: 'tunnel', weight: 1, tunnel: { type: 'gue' } }), 'EINVAL')
    for (const method of ['masq', 'route'] as const)
      refuses(() => check({ method, weight: 1 }, { address: 'fd00::2', port: 80 }), 'EINVAL')
    check({ method: 'tunnel', weight: 1 }, { address: 'fd00::2', port: 80 })
  })
})

describe('refused because the datapath cannot do it yet', () => {
  it('the client’s address by full NAT of IPv6', () => {
    const options = { method: 'fullnat', weight: 1, clientAddress: 'toa' } as const
    unsupported(() => refuseServer({ address: 'fd00::2', port: 80 }, options))
  })
})
