// Every command line of testdata/questions.mjs, and what the real ipvsadm printed and returned for it. The table is one in
// memory: this is the proof of the grammar, the texts and the statuses.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection, Counters, Service } from '../ipvs/types.js'
import { formatIPv4, formatIPv6 } from './address.js'
import { MemoryTable } from './testdata/memory-table.js'
import { answers, comparable, run, type Step } from './testdata/replay.js'

function figures(list: readonly bigint[]): Counters {
  const [connections = 0n, inPackets = 0n, outPackets = 0n, inBytes = 0n, outBytes = 0n] = list
  return { connections, inPackets, outPackets, inBytes, outBytes }
}

/** The lines of /proc/net/ip_vs_conn, as the Director would have said it. */
function connections(text: string): Connection[] {
  const hex = (digits: string) => Number.parseInt(digits, 16)
  const address = (digits: string) =>
    digits.includes(':') ? formatIPv6(digits.split(':').map(hex)) : formatIPv4(hex(digits))
  return text
    .split('\n')
    .slice(1)
    .filter(Boolean)
    .map((line) => {
      const [protocol = '', ...rest] = line.split(/\s+/)
      const [client = '', cport = '', virtual = '', vport = '', server = '', dport = '', state = '', expires] = rest
      const [engine, engineData] = rest.slice(8)
      return {
        protocol: protocol.toLowerCase() as Connection['protocol'],
        state,
        expires: Number(expires),
        client: { address: address(client), port: hex(cport) },
        virtual: { address: address(virtual), port: hex(vport) },
        server: { address: address(server), port: hex(dport) },
        ...(engine === undefined || engineData === undefined ? {} : { engine: { name: engine, data: engineData } }),
      }
    })
}

/** The table with what fake.c would have put into it. */
class FakedTable extends MemoryTable {
  fake: NonNullable<Step['fake']> = {}

  override services(): Service[] {
    const list = this.fake.counters?.split(',').map(BigInt)
    if (!list) return super.services()
    // ipvsadm asks for a server's figures, its bytes apart, in 32 bits; ours have 64
    const narrow = list.map((value, i) => (i === 3 || i === 4 ? value : BigInt.asUintN(32, value)))
    const faked = (all: readonly bigint[]) => ({ counters: figures(all), rates: figures(all.slice(5)) })
    return super.services().map((service) => ({
      ...service,
      ...faked(list),
      servers: service.servers.map((server) => ({ ...server, ...faked(narrow) })),
    }))
  }

  override connections(): Connection[] {
    return this.fake.connections === undefined ? [] : connections(this.fake.connections)
  }
}

describe('what the real ipvsadm said', () => {
  for (const { name, steps } of answers) {
    it(name, () => {
      const table = new FakedTable()
      for (const step of steps) {
        table.fake = step.fake ?? {}
        const { want, got } = comparable(
          step,
          run(step, () => table),
        )
        assert.deepEqual(got, want, step.argv.join(' '))
      }
    })
  }
})
