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

const nowhere = { local: false, tunnelSource: new Uint8Array(4) }
const refuses = (work: () => void, errno: string) =>
  assert.throws(work, (error) => error instanceof IpvsError && error.errno === errno)
const unsupported = (work: () => void) =>
  assert.throws(work, (error) => SluiceError.is(error) && error.code === 'SLUICE_UNSUPPORTED')

describe('the model in the form of records', () => {
  it('keeps a service key, the port in network order', () => {
    const key = { protocol: 'udp', address: '192.168.10.100', port: 53 } as const
    const record = keyRecord(key)
    assert.deepEqual([...record.bytes().subarray(0, 4)], [192, 168, 10, 100])
    assert.deepEqual([...record.bytes().subarray(16, 18)], [0, 53])
    assert.deepEqual(readKey(record), key)
  })

  it('keeps a scheduler and its flags', () => {
    const record = ServiceOptionsRecord.allocate()
    writeServiceOptions(record, { scheduler: 'wrr', schedulerFlags: new Set([1, 3]) })
    assert.deepEqual(readServiceOptions(record), { scheduler: 'wrr', schedulerFlags: new Set([1, 3]) })
  })

  it("keeps a server's method, weight and thresholds", () => {
    for (const method of ['masq', 'route', 'local'] as const) {
      const record = ServerOptionsRecord.allocate()
      const options = { method, weight: 65535, upperThreshold: 20, lowerThreshold: 5 }
      writeServerOptions(record, options, nowhere)
      assert.deepEqual(readServerOptions(record), options)
    }
  })

  it('keeps the outer source of a tunnel as bytes of the wire', () => {
    const record = ServerOptionsRecord.allocate()
    writeServerOptions(
      record,
      { method: 'tunnel', weight: 1 },
      { local: false, tunnelSource: Uint8Array.of(192, 168, 188, 8) },
    )
    const at = ServerOptionsRecord.OFFSET.tunnelSource
    assert.deepEqual([...record.bytes().subarray(at, at + 4)], [192, 168, 188, 8])
  })
})

describe('refused as IPVS refuses it', () => {
  it('an unknown scheduler or persistence engine', () => {
    refuses(() => checkServiceOptions({ scheduler: 'nosuch' }), 'ENOENT')
    refuses(() => checkServiceOptions({ scheduler: 'rr', persistence: { timeout: 60, engine: 'nosuch' } }), 'ENOENT')
  })

  it('a negative weight, and thresholds the wrong way round', () => {
    refuses(() => checkServerOptions({ method: 'masq', weight: -1 }), 'ERANGE')
    refuses(() => checkServerOptions({ method: 'masq', weight: 1, upperThreshold: 5, lowerThreshold: 6 }), 'ERANGE')
    refuses(() => checkServerOptions({ method: 'masq', weight: 1, lowerThreshold: 1 }), 'ERANGE')
  })
})

describe('refused because the datapath cannot do it yet', () => {
  it('IPv6, firewall marks, SCTP, persistence, one-packet scheduling, GUE and GRE', () => {
    unsupported(() => keyRecord({ protocol: 'tcp', address: 'fd00::1', port: 80 }))
    unsupported(() => keyRecord({ fwmark: 1, family: 'inet' }))
    unsupported(() => keyRecord({ protocol: 'sctp', address: '10.0.0.1', port: 80 }))
    unsupported(() => checkServiceOptions({ scheduler: 'rr', persistence: { timeout: 360 } }))
    unsupported(() => checkServiceOptions({ scheduler: 'rr', onePacket: true }))
    unsupported(() => checkServerOptions({ method: 'tunnel', weight: 1, tunnel: { type: 'gre' } }))
  })
})
