import { SluiceError, type SluiceErrorCode } from '../errors.js'
import type { DirectorApi } from '../ipvs/director-api.js'
import { IpvsError } from '../ipvs/error.js'
import { execute } from './execute.js'
import type { CommandName } from './grammar.js'
import type { Io } from './io.js'
import { cannotInitialize, refusalText } from './messages.js'
import { parse } from './parse.js'
import { restore } from './restore.js'
import { UsageError } from './usage-error.js'
import type { Lookups } from './values.js'

/** How a command line ended. */
export interface Outcome {
  readonly status: number
  /** Ends a restore in which the line stands: ipvsadm leaves at once where it does not take a command line. */
  readonly fatal: boolean
}

/** Refusals of the table that kernel IPVS does not know: the command fails, as with the kernel's own. */
const refusals: ReadonlySet<SluiceErrorCode> = new Set(['SLUICE_UNSUPPORTED', 'SLUICE_FULL'])

/**
 * Runs ipvsadm: understands the command line, does it, and prints what ipvsadm prints.
 * @param words the command line without the program's name
 * @returns the exit status
 */
export function runIpvsadm(words: readonly string[], io: Io): number {
  let director: DirectorApi | undefined
  const shared: Io = { ...io, openDirector: () => (director ??= io.openDirector()) }
  try {
    return runLine(words, shared, false).status
  } finally {
    director?.close()
  }
}

function runLine(words: readonly string[], io: Io, restoring: boolean): Outcome {
  let name: CommandName = 'list'
  try {
    const command = parse(words, lookupsOf(io))
    name = command.name
    if (command.name === 'restore') return restore(io, restoring, (line) => runLine(line, io, true))
    execute(command, io)
    return { status: 0, fatal: name === 'help' || name === 'version' }
  } catch (error) {
    return failed(error, name, io)
  }
}

function failed(error: unknown, name: CommandName, io: Io): Outcome {
  const end = (text: string, status: number, fatal: boolean): Outcome => {
    io.stderr(`${text}\n`)
    return { status, fatal }
  }
  if (error instanceof UsageError) return end(error.message, error.status, error.fatal)
  if (error instanceof IpvsError) return end(refusalText(name, error.errno), name === 'list' ? 1 : 255, name === 'list')
  if (!SluiceError.is(error)) throw error
  if (error.code === 'SLUICE_NOT_ROOT') return end(cannotInitialize, 2, true)
  return refusals.has(error.code) ? end(error.message, 255, false) : end(error.message, 2, true)
}

/** @param io where the names are */
export function lookupsOf({ hosts, services }: Pick<Io, 'hosts' | 'services'>): Lookups {
  return {
    host: (name) => hosts.address(name),
    port: (name, protocol) => services.port(name, protocol),
  }
}
