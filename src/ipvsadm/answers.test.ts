// Every command line of testdata/questions.mjs, and what the real ipvsadm printed and returned for it. The table is one in
// memory: this is the proof of the grammar, the texts and the statuses.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Connection, Counters, Service } from '../ipvs/types.js'
import { formatIPv4 } from './address.js'
import { hostsDb } from './hosts-db.js'
import { runIpvsadm } from './run.js'
import { servicesDb } from './services-db.js'
import { MemoryTable } from './testdata/memory-table.js'
import { runRestore, runSave } from './wrappers.js'

interface Step {
  readonly tool?: 'ipvsadm-save' | 'ipvsadm-restore'
  readonly argv: readonly string[]
  readonly stdin?: string
  /** What fake.c put before ipvsadm: ten figures for each entry, a name for every address, or lines of connections. */
  readonly fake?: { readonly counters?: string; readonly name?: string; readonly connections?: string }
  readonly status: number
  readonly stdout?: string
  readonly stderr?: string
}

/** Compiled, this file is in dist/, and the data stays in src/. */
const data = new URL('../../src/ipvsadm/testdata/', import.meta.url)
const answers = readFileSync(new URL('answers.jsonl', data), 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as { name: string; steps: Step[] })

const hosts = hostsDb(
  () => '127.0.0.1 localhost',
  () => undefined,
)
const services = servicesDb(() => readFileSync(new URL('services', data), 'utf8'))

function figures(list: readonly bigint[]): Counters {
  const [connections = 0n, inPackets = 0n, outPackets = 0n, inBytes = 0n, outBytes = 0n] = list
  return { connections, inPackets, outPackets, inBytes, outBytes }
}

/** The lines of /proc/net/ip_vs_conn, as the Director would have said it. */
function connections(text: string): Connection[] {
  const address = (hex: string) => formatIPv4(Number.parseInt(hex, 16))
  return text
    .split('\n')
    .slice(1)
    .filter(Boolean)
    .map((line) => {
      const [protocol = '', ...rest] = line.split(/\s+/)
      const [client = '', cport = '', virtual = '', vport = '', server = '', dport = '', state = '', expires] = rest
      const port = (hex: string) => Number.parseInt(hex, 16)
      return {
        protocol: protocol.toLowerCase() as Connection['protocol'],
        state,
        expires: Number(expires),
        client: { address: address(client), port: port(cport) },
        virtual: { address: address(virtual), port: port(vport) },
        server: { address: address(server), port: port(dport) },
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

function run({ tool, argv, stdin = '', fake = {} }: Step, table: FakedTable) {
  const { name } = fake
  table.fake = fake
  const text = { stdout: '', stderr: '' }
  const lines = stdin.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const io = {
    openDirector: () => table,
    readLine: () => lines.shift(),
    stdout: (more: string) => {
      text.stdout += more
    },
    stderr: (more: string) => {
      text.stderr += more
    },
    hosts:
      name === undefined
        ? hosts
        : { ...hosts, names: (all: readonly string[]) => new Map(all.map((one) => [one, name])) },
    services,
  }
  const programs = {
    ipvsadm: () => runIpvsadm(argv, io),
    'ipvsadm-save': () => runSave(argv, io),
    'ipvsadm-restore': () => runRestore(io),
  }
  return { status: programs[tool ?? 'ipvsadm'](), ...text }
}

describe('what the real ipvsadm said', () => {
  for (const { name, steps } of answers) {
    it(name, () => {
      const table = new FakedTable()
      for (const step of steps) {
        const got = run(step, table)
        const { status, stdout = '', stderr = '' } = step
        if (step.argv.includes('--nosort'))
          // the kernel's own order is that of a hash over the address of its table
          assert.deepEqual(got.stdout.split('\n').sort(), stdout.split('\n').sort())
        else assert.deepEqual(got, { status, stdout, stderr }, step.argv.join(' '))
      }
    })
  }
})
