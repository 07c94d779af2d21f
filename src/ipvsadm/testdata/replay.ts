import { readFileSync } from 'node:fs'
import type { DirectorApi } from '../../ipvs/director-api.js'
import { hostsDb } from '../hosts-db.js'
import { runIpvsadm } from '../run.js'
import { servicesDb } from '../services-db.js'
import { runRestore, runSave } from '../wrappers.js'
import { textIo } from './text-io.js'

/** One command line and what the real ipvsadm answered. */
export interface Step {
  readonly tool?: 'ipvsadm-save' | 'ipvsadm-restore'
  readonly argv: readonly string[]
  readonly stdin?: string
  /** What fake.c put before ipvsadm: ten figures for each entry, a name for every address, or lines of connections. */
  readonly fake?: { readonly counters?: string; readonly name?: string; readonly connections?: string }
  readonly status: number
  readonly stdout?: string
  readonly stderr?: string
}

/** Command lines that were run one after the other, on an empty table. */
export interface Case {
  readonly name: string
  readonly steps: readonly Step[]
}

/** Compiled, this file is in dist/, and the data stays in src/. */
const data = new URL('../../../src/ipvsadm/testdata/', import.meta.url)

/** All that the real ipvsadm was asked. */
export const answers: readonly Case[] = readFileSync(new URL('answers.jsonl', data), 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line))

const hosts = hostsDb(
  () => '127.0.0.1 localhost',
  () => undefined,
)
const services = servicesDb(() => readFileSync(new URL('services', data), 'utf8'))

/** Runs a command line over a table that `openDirector` gives. */
export function run({ tool, argv, stdin = '', fake: { name } = {} }: Step, openDirector: () => DirectorApi) {
  const lines = stdin.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const { io, text } = textIo(openDirector, lines, {
    hosts:
      name === undefined
        ? hosts
        : { ...hosts, names: (all: readonly string[]) => new Map(all.map((one) => [one, name])) },
    services,
  })
  const programs = {
    ipvsadm: () => runIpvsadm(argv, io),
    'ipvsadm-save': () => runSave(argv, io),
    'ipvsadm-restore': () => runRestore(io),
  }
  return { status: programs[tool ?? 'ipvsadm'](), ...text }
}

/** The answer as it is to be, and as it was, where something in it is not for us to match. */
export function comparable(step: Step, got: ReturnType<typeof run>) {
  const { status, stdout = '', stderr = '' } = step
  const want = { status, stdout, stderr }
  if (!step.argv.includes('--nosort')) return { want, got }
  // the kernel's own order is that of a hash over the address of its table
  const sorted = (one: typeof want) => ({ ...one, stdout: one.stdout.split('\n').sort().join('\n') })
  return { want: sorted(want), got: sorted(got) }
}
