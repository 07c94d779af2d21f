// Command lines and restore files that nobody would write, made from those that the real one was asked. Whatever stands in
// them: a status of ipvsadm's, one line of text where it fails, and no change of the table by what failed.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { hostsDb } from './hosts-db.js'
import { runIpvsadm } from './run.js'
import { servicesDb } from './services-db.js'
import { MemoryTable } from './testdata/memory-table.js'
import { Mutator, random } from './testdata/mutations.js'
import { textIo } from './testdata/text-io.js'

const seed = Number(process.env.SLUICE_SEED ?? 1)
const LINES = 20_000
const FILES = 2_000

/** Compiled, this file is in dist/, and the data stays in src/. */
const data = new URL('../../src/ipvsadm/testdata/', import.meta.url)
const corpus = readFileSync(new URL('answers.jsonl', data), 'utf8')
  .split('\n')
  .filter(Boolean)
  .flatMap((line) => (JSON.parse(line) as { steps: { tool?: string; argv: string[] }[] }).steps)
  .filter(({ tool }) => tool === undefined)
  .map(({ argv }) => argv)

const hosts = hostsDb(
  () => '127.0.0.1 localhost\n192.168.188.81 first\n',
  () => undefined,
)
const services = servicesDb(() => readFileSync(new URL('services', data), 'utf8'))

function run(words: readonly string[], table: MemoryTable, stdin: string[] = []) {
  const { io, text } = textIo(() => table, stdin, { hosts, services })
  return { status: runIpvsadm(words, io), ...text }
}

/** All of a table that commands can change. */
const shown = (table: MemoryTable) =>
  JSON.stringify(
    [table.services(), table.timeouts(), table.daemons()].map((part) => part),
    (_, value) => (typeof value === 'bigint' ? String(value) : value instanceof Set ? [...value].sort() : value),
  )

function checked<T>(what: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    const { message } = error as Error
    throw new assert.AssertionError({ message: `SLUICE_SEED=${seed} ${what}: ${message}` })
  }
}

describe('mutated command lines', () => {
  it(`${LINES} of them, one after the other`, (t) => {
    t.diagnostic(`SLUICE_SEED=${seed}`)
    const mutator = new Mutator(random(seed), corpus)
    const statuses = new Map<number, number>()
    let table = new MemoryTable()
    for (let i = 0; i < LINES; i += 1) {
      if (i % 50 === 0) table = new MemoryTable()
      const words = mutator.line()
      checked(JSON.stringify(words), () => {
        const before = shown(table)
        const { status, stdout, stderr } = run(words, table)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        assert.ok([0, 1, 2, 255].includes(status), `status ${status}`)
        if (status === 0) assert.equal(stderr, '', 'a line that is done says nothing on standard error')
        else {
          assert.match(stderr, /^[^\n]+\n\n?$/, 'one line says why')
          assert.doesNotMatch(stderr, /SLUICE_|\bat \S+:\d+|TypeError|RangeError|undefined is/)
          assert.equal(stdout, '', 'nothing is printed by what failed')
          assert.equal(shown(table), before, 'what failed changed nothing')
        }
      })
    }
    t.diagnostic(`statuses: ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')}`)
    assert.ok((statuses.get(0) ?? 0) > LINES / 50, 'some of them are taken')
    assert.ok((statuses.get(2) ?? 0) > LINES / 50, 'some of them are not')
  })
})

describe('mutated restore files', () => {
  it(`${FILES} of them: each does what its lines do one by one, up to the line that ends it`, (t) => {
    t.diagnostic(`SLUICE_SEED=${seed}`)
    const mutator = new Mutator(random(seed + 1), corpus)
    let taken = 0
    for (let i = 0; i < FILES; i += 1) {
      const lines = mutator.file()
      checked(JSON.stringify(lines), () => {
        const table = new MemoryTable()
        const rest = [...lines]
        const whole = run(['-R'], table, rest)
        assert.ok([0, 1, 2, 255].includes(whole.status), `status ${whole.status}`)
        const alone = new MemoryTable()
        const outcomes = lines
          .slice(0, lines.length - rest.length)
          .map((line) => line.split(/[ \t\r]+/).map((word) => word.replace(/\0.*/s, '')))
          .map((words) => words.filter((word) => word !== '' && word !== 'ipvsadm'))
          .filter((words) => words.length > 0)
          .map((words) => run(words, alone))
        // a restore in a restore is refused, where alone it restores nothing
        if (whole.stderr.includes('Try `ipvsadm -h')) return
        taken += 1
        assert.equal(shown(table), shown(alone))
        assert.deepEqual(
          [whole.status, whole.stdout, whole.stderr],
          [
            outcomes.at(-1)?.status ?? 0,
            outcomes.map((o) => o.stdout).join(''),
            outcomes.map((o) => o.stderr).join(''),
          ],
        )
      })
    }
    t.diagnostic(`${taken} of them compared`)
    assert.ok(taken > FILES / 2)
  })
})
