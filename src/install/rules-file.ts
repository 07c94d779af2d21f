import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SluiceError } from '../errors.js'
import type { DaemonState } from '../ipvs/types.js'

const redHat = '/etc/sysconfig/ipvsadm'
const debian = '/etc/ipvsadm.rules'
const debianOptions = '/etc/default/ipvsadm'

/** Where this system keeps its rules, and what it says of them. */
export interface RulesFile {
  readonly path: string
  /** False where Debian's AUTO says that rules are not to be loaded. */
  readonly auto: boolean
  /** The synchronization daemons that are to run. */
  readonly daemons: readonly DaemonState[]
  readonly device: string
  readonly syncid: string
}

/**
 * `/etc/sysconfig/ipvsadm` where there is one, or a folder for it and no file of Debian's;
 * or else Debian's `/etc/ipvsadm.rules` and `/etc/default/ipvsadm`.
 * @param root the folder that stands for `/`
 */
export function findRulesFile(root = '/'): RulesFile {
  const has = (path: string) => existsSync(join(root, path))
  const isDebian = !has(redHat) && (has(debian) || has(debianOptions) || !has(dirname(redHat)))
  const options = isDebian && has(debianOptions) ? readOptions(join(root, debianOptions)) : new Map<string, string>()
  const daemon = options.get('DAEMON')
  return {
    path: join(root, isDebian ? debian : redHat),
    auto: (options.get('AUTO') ?? 'true') === 'true',
    daemons: daemon === 'both' ? ['master', 'backup'] : daemon === 'master' || daemon === 'backup' ? [daemon] : [],
    device: options.get('IFACE') ?? 'eth0',
    syncid: options.get('SYNCID') ?? '0',
  }
}

/** `NAME="value"` lines of a file that shells read. */
function readOptions(path: string): Map<string, string> {
  const lines = readFileSync(path, 'utf8').split('\n')
  const found = lines.map((line) => /^\s*(?:export\s+)?(\w+)=(?:"([^"]*)"|'([^']*)'|([^\s#]*))/.exec(line))
  return new Map(found.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? match[3] ?? match[4] ?? '']] : [])))
}

/** @returns the lines of a file of rules; undefined where there is none @throws SluiceError SLUICE_NO_FILE */
export function readRules(path: string): string[] | undefined {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new SluiceError('SLUICE_NO_FILE', { path, reason: (error as Error).message }, { cause: error })
  }
}

/** Writes rules whole or not at all, for root's eyes alone. @throws SluiceError SLUICE_NO_WRITE */
export function writeRules(path: string, text: string): void {
  const beside = join(dirname(path), `.ipvsadm-${process.pid}`)
  try {
    writeFileSync(beside, text, { mode: 0o600, flag: 'wx', flush: true })
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw new SluiceError('SLUICE_NO_WRITE', { path, reason: (error as Error).message }, { cause: error })
  }
}
