// Mutated command lines over a real table: what fails changes nothing of it, and what it takes or refuses is what the
// table in memory, which is held against the real ipvsadm, takes or refuses. No packet is needed: the program is not attached.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Director, schedulers } from '../../dist/index.js'
import { hostsDb } from '../../dist/ipvsadm/hosts-db.js'
import { runIpvsadm } from '../../dist/ipvsadm/index.js'
import { servicesDb } from '../../dist/ipvsadm/services-db.js'
import { MemoryTable } from '../../dist/ipvsadm/testdata/memory-table.js'
import { Mutator, random } from '../../dist/ipvsadm/testdata/mutations.js'
import { staysOpen, textIo } from '../../dist/ipvsadm/testdata/text-io.js'
import { Namespace } from '../lib/netns.mjs'

const seed = Number(process.env.SLUICE_SEED ?? 1)
const LINES = 4000

const data = new URL('../../src/ipvsadm/testdata/', import.meta.url)
const corpus = readFileSync(new URL('answers.jsonl', data), 'utf8')
  .split('\n')
  .filter(Boolean)
  .flatMap((line) => JSON.parse(line).steps)
  .filter(({ tool }) => tool === undefined)
  .map(({ argv }) => argv)
  // daemons are another matter than the table, listings show figures of this kernel, and the answers' kernel has no twos
  .filter((argv) => !argv.some((word) => /daemon|mcast|syncid|twos/.test(word)))

/** Schedulers of IPVS that are not built yet. */
const missing = 'rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh none'
  .split(' ')
  .filter((name) => !schedulers.has(name))

const hosts = hostsDb(
  () => '127.0.0.1 localhost\n',
  () => undefined,
)
const services = servicesDb(() => readFileSync(new URL('services', data), 'utf8'))

/** @type {Namespace} */
let namespace
let director
before(() => {
  namespace = new Namespace('cf')
  // the addresses of the machine that answered the questions
  namespace.batch(
    'link add eth0 type veth peer name eth9\nlink set eth0 up\nlink set eth9 up\naddress add 192.168.188.8/24 dev eth0',
  )
  namespace.sysctl('net/ipv6/conf/all/disable_ipv6', 0)
  namespace.sysctl('net/ipv6/conf/eth0/disable_ipv6', 0)
  namespace.ip('-6', 'address', 'add', 'fd00:188::8/64', 'dev', 'eth0', 'nodad')
  director = namespace.within(() => Director.open({ attach: false }))
})
after(() => {
  director?.close()
  namespace?.remove()
})

function run(words, table) {
  const { io, text } = textIo(() => staysOpen(table), [], { hosts, services })
  return { status: runIpvsadm(words, io), ...text }
}

/** The rules and timeouts, services and servers sorted. */
const rules = (table) => [
  run(['-S', '-n', '--thresholds'], table).stdout.split('\n').sort(),
  run(['-L', '--timeout'], table).stdout,
]

test(`${LINES} mutated command lines, over a table and over one in memory`, (t) => {
  t.diagnostic(`SLUICE_SEED=${seed}`)
  const rand = random(seed)
  const mutator = new Mutator(rand, corpus)
  let memory = new MemoryTable()
  const unsupported = new Set()
  let taken = 0
  for (let i = 0; i < LINES; i += 1) {
    if (i % 50 === 0) {
      namespace.within(() => {
        director.flush()
        director.setTimeouts({ tcp: 900, tcpFin: 120, udp: 300 })
      })
      memory = new MemoryTable()
    }
    const words = mutator.line()
    // Debian's kernel, which the table in memory is held against, has no such module
    if (words.some((word) => word.endsWith('twos'))) continue
    const what = `SLUICE_SEED=${seed} line ${i} ${JSON.stringify(words)}`
    const rulesBefore = namespace.within(() => rules(director))
    const got = namespace.within(() => run(words, director))
    const rulesAfter = namespace.within(() => rules(director))
    if (got.status !== 0) {
      assert.match(got.stderr, /^[^\n]+\n\n?$/, what)
      assert.deepEqual(rulesAfter, rulesBefore, `${what}: it failed, and changed the table`)
    }
    if (got.stderr.startsWith('Scheduler or') && words.some((word) => missing.some((name) => word.endsWith(name)))) {
      unsupported.add(`schedulers ${missing.join(' ')}`)
      continue
    }
    const code = /^SLUICE_\w+/.exec(got.stderr)?.[0]
    if (code) {
      assert.equal(code, 'SLUICE_UNSUPPORTED', `${what}: ${got.stderr}`)
      unsupported.add(got.stderr.trim())
      continue
    }
    const wanted = run(words, memory)
    if (got.status === 0) taken += 1
    assert.deepEqual([got.status, got.stderr], [wanted.status, wanted.stderr], what)
    assert.deepEqual(rulesAfter, rules(memory), what)
  }
  t.diagnostic(`${taken} taken; ${unsupported.size} refused as not supported`)
  for (const line of unsupported) t.diagnostic(line)
  assert.ok(taken > LINES / 50)
})
