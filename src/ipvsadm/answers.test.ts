// Every command line of testdata/questions.mjs, and what the real ipvsadm printed and returned for it. The table is one in
// memory: this is the proof of the grammar, the texts and the statuses.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { hostsDb } from './hosts-db.js'
import { runIpvsadm } from './run.js'
import { servicesDb } from './services-db.js'
import { MemoryTable } from './testdata/memory-table.js'
import { runRestore, runSave } from './wrappers.js'

interface Step {
  readonly tool?: 'ipvsadm-save' | 'ipvsadm-restore'
  readonly argv: readonly string[]
  readonly stdin?: string
  readonly status: number
  readonly stdout?: string
  readonly stderr?: string
}

/** Compiled, this file is in dist/, and the data stays in src/. */
const data = new URL('../../src/ipvsadm/testdata/', import.meta.url)
const answers = JSON.parse(readFileSync(new URL('answers.json', data), 'utf8')) as { name: string; steps: Step[] }[]

const hosts = hostsDb(
  () => '127.0.0.1 localhost',
  () => undefined,
)
const services = servicesDb(() => readFileSync(new URL('services', data), 'utf8'))

function run({ tool, argv, stdin = '' }: Step, table: MemoryTable) {
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
    hosts,
    services,
  }
  const programs = {
    ipvsadm: () => runIpvsadm(argv, io),
    'ipvsadm-save': () => runSave(argv, io),
    'ipvsadm-restore': () => runRestore(io),
  }
  return { status: programs[tool ?? 'ipvsadm'](), ...text }
}

/** Synchronization daemons are not there yet: their lines are understood, and then refused. */
const isDaemon = ({ argv }: Step) => /^--st(art|op)-daemon/.test(argv[0] ?? '')

describe('what the real ipvsadm said', () => {
  for (const { name, steps } of answers) {
    it(name, () => {
      const table = new MemoryTable()
      for (const step of steps) {
        const got = run(step, table)
        const { status, stdout = '', stderr = '' } = step
        if (isDaemon(step) && (status === 0 || stderr === 'No daemon is running\n' || stderr === 'No such device\n'))
          assert.deepEqual(got, {
            status: 255,
            stdout: '',
            stderr: 'Connection synchronization is not supported by this version\n',
          })
        else assert.deepEqual(got, { status, stdout, stderr }, step.argv.join(' '))
      }
    })
  }
})
