import { SluiceError } from '../errors.js'
import { Lab } from './lab.js'
import { type LabRecord, Ledger } from './ledger.js'
import { self } from './process.js'
import { requirePrograms } from './program.js'
import { tearDown } from './teardown.js'
import type { Drive, Topology } from './topology.js'
import { type Check, type Reporter, type Step, Transcript } from './transcript.js'

export interface LabOptions {
  /** First part of the namespaces' names; absent: `sluice-LAB`. No two labs share one. */
  readonly prefix?: string | undefined
  readonly reporter: Reporter
  /** Aborted to stop: what was made is removed, then the signal's reason is thrown. */
  readonly signal: AbortSignal
}

export const defaultPrefix = (lab: string): string => `sluice-${lab}`

const everyLabNeeds = ['ip', 'nsenter', 'unshare', 'sysctl']

/** Takes a lab down; warnings go to the reporter. Gives back what was in its place and not its own. */
async function remove(ledger: Ledger, reporter: Reporter): Promise<string[]> {
  ledger.set({ phase: 'removing', owner: self() })
  const { foreign, warnings } = await tearDown(ledger)
  for (const line of warnings) reporter.progress(`warning: ${line}`)
  return foreign
}

/** Opens the ledger of a new lab, after removing what a crashed one of the same prefix has left. */
async function open(topology: Topology, prefix: string, reporter: Reporter): Promise<Ledger> {
  if (process.geteuid?.() !== 0) throw new SluiceError('SLUICE_NOT_ROOT', { what: 'make network namespaces' })
  requirePrograms([...everyLabNeeds, ...topology.programs])
  const earlier = Ledger.open(prefix)
  if (earlier?.abandoned) {
    reporter.progress(`removing what an interrupted lab ${prefix} has left`)
    await remove(earlier, reporter)
  }
  return Ledger.create(topology.name, prefix)
}

async function build(topology: Topology, { prefix = defaultPrefix(topology.name), reporter, signal }: LabOptions) {
  const ledger = await open(topology, prefix, reporter)
  try {
    reporter.progress(`building the lab ${topology.name} (${topology.title})`)
    const drive = await topology.build(new Lab(ledger, signal, (line) => reporter.progress(`  ${line}`)))
    signal.throwIfAborted()
    return { ledger, drive }
  } catch (error) {
    await remove(ledger, reporter)
    throw error
  }
}

/**
 * Builds a lab and leaves it up.
 * @throws SluiceError `SLUICE_LAB_UP`, `SLUICE_LAB_BUSY`, `SLUICE_LAB_FOREIGN`, `SLUICE_NO_PROGRAM`, `SLUICE_COMMAND`; nothing
 * of the lab is left then
 */
export async function up(topology: Topology, options: LabOptions): Promise<LabRecord> {
  const { ledger } = await build(topology, options)
  ledger.set({ phase: 'up', owner: null })
  return ledger.record
}

/**
 * Removes what a lab has made, whatever state it is in; false when there is none of the prefix.
 * @throws SluiceError `SLUICE_LAB_BUSY` when another process works on it; `SLUICE_LAB_FOREIGN`, after everything else is
 * removed, when something has one of its names that it did not make
 */
export async function down(prefix: string, reporter: Reporter): Promise<boolean> {
  const ledger = Ledger.open(prefix)
  if (!ledger) return false
  const busy = ledger.busyWith
  if (busy) throw new SluiceError('SLUICE_LAB_BUSY', { prefix, pid: busy.pid })
  const foreign = await remove(ledger, reporter)
  if (foreign.length > 0) throw new SluiceError('SLUICE_LAB_FOREIGN', { what: foreign.join(' and ') })
  return true
}

export interface RunResult {
  readonly lab: string
  readonly prefix: string
  /** Every check held. */
  readonly ok: boolean
  /** From the first host to the last check. */
  readonly seconds: number
  /** The lab was left up. */
  readonly kept: boolean
  readonly steps: readonly Step[]
  readonly checks: readonly Check[]
  /** What was measured, by what it is about. */
  readonly figures: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** Builds a lab, drives it, and removes it, or leaves it up where `keep` is set and nobody interrupts. */
export async function run(topology: Topology, options: LabOptions & { readonly keep?: boolean }): Promise<RunResult> {
  const began = process.hrtime.bigint()
  const { ledger, drive } = await build(topology, options)
  const transcript = new Transcript(options.reporter)
  let kept = false
  try {
    ledger.set({ phase: 'running' })
    await driven(drive, transcript, options)
    kept = options.keep ?? false
  } finally {
    if (kept) ledger.set({ phase: 'up', owner: null })
    else {
      options.reporter.progress('removing the lab')
      await remove(ledger, options.reporter)
    }
  }
  const seconds = Number((process.hrtime.bigint() - began) / 1_000_000n) / 1000
  const { steps, checks, figures, ok } = transcript
  return { lab: topology.name, prefix: ledger.record.prefix, ok, seconds, kept, steps, checks, figures }
}

/** A program that would not start fails the run as a check does; only an interruption ends it without a result. */
async function driven(drive: Drive, transcript: Transcript, { signal }: LabOptions): Promise<void> {
  try {
    await drive(transcript)
  } catch (error) {
    signal.throwIfAborted()
    if (!SluiceError.is(error)) throw error
    transcript.check(error.message, false)
  }
}

/** Labs that are up or have left something. */
export const instances = (): (LabRecord & { readonly abandoned: boolean })[] =>
  Ledger.all().map((ledger) => ({ ...ledger.record, abandoned: ledger.abandoned }))
