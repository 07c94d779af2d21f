import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ServiceKey } from '../ipvs/types.js'
import { byService, sorted } from './sort.js'
import { MemoryTable } from './testdata/memory-table.js'

function order(keys: readonly ServiceKey[]): ServiceKey[] {
  const table = new MemoryTable()
  for (const key of keys) table.addService(key, { scheduler: 'wlc' })
  return sorted(table.services(), byService).map(({ key }) => key)
}

const tcp = (address: string, port = 80): ServiceKey => ({ protocol: 'tcp', address, port })

describe("ipvsadm's order", () => {
  it('is by mark, family, protocol, address, port', () => {
    const expected: ServiceKey[] = [
      tcp('10.0.0.1', 80),
      tcp('10.0.0.1', 443),
      tcp('10.0.0.2', 1),
      { protocol: 'udp', address: '10.0.0.1', port: 80 },
      tcp('fd00::1'),
      tcp('fd00::2'),
      { fwmark: 1, family: 'inet' },
      { fwmark: 1, family: 'inet6' },
      { fwmark: 2, family: 'inet' },
    ]
    assert.deepEqual(order([...expected].reverse()), expected)
  })

  it('puts addresses more than half of the address space apart the other way round', () => {
    assert.deepEqual(order([tcp('1.0.0.1'), tcp('200.0.0.1')]), [tcp('200.0.0.1'), tcp('1.0.0.1')])
  })

  it('keeps equals in their order', () => {
    assert.deepEqual(
      sorted(['b1', 'a1', 'b2', 'a2', 'b3'], (x, y) => x.charCodeAt(0) - y.charCodeAt(0)),
      ['a1', 'a2', 'b1', 'b2', 'b3'],
    )
  })
})
