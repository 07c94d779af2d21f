import { Command, CommanderError } from 'commander'
import { SluiceError } from '../errors.js'
import { applyCommand } from './apply.js'
import { attachCommand } from './attach.js'
import { detachCommand } from './detach.js'
import { directorCommand } from './director.js'
import { drainCommand, undrainCommand } from './drain.js'
import { ExitStatus, Interrupted } from './exit.js'
import { healthCommand } from './health.js'
import { importCommand } from './import.js'
import { installCommand, uninstallCommand } from './install.js'
import { labCommand } from './lab/index.js'
import { laddrCommand } from './laddr.js'
import { markCommand } from './mark.js'
import { realServerCommand } from './realserver.js'
import { rulesCommand } from './rules.js'
import { slaCommand } from './sla.js'
import { statusCommand } from './status.js'
import { syncDaemonCommand } from './sync-daemon.js'
import { sysctlCommand } from './sysctl.js'
import { upgradeCommand } from './upgrade.js'
import { version } from './version.js'

function program(): Command {
  const sluice = new Command('sluice')
    .description('Linux Virtual Server made anew: a layer-4 load balancer whose datapath is eBPF.')
    .version(version())
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nVirtual services and real servers are managed by ipvsadm, as with LVS.\n' +
        'Exit status: 0 success, 1 failure, 2 wrong usage, 128+n ended by signal n.',
    )
  const commands = [
    labCommand,
    attachCommand,
    detachCommand,
    statusCommand,
    slaCommand,
    upgradeCommand,
    applyCommand,
    healthCommand,
    drainCommand,
    undrainCommand,
    markCommand,
    sysctlCommand,
    syncDaemonCommand,
    realServerCommand,
    directorCommand,
    laddrCommand,
    rulesCommand,
    importCommand,
    installCommand,
    uninstallCommand,
  ]
  for (const command of commands) sluice.addCommand(command())
  strict(sluice)
  return sluice
}

/** Makes every command throw instead of ending the process, and point to its help. */
function strict(command: Command): void {
  command.exitOverride().showHelpAfterError(`(see: ${path(command)} --help)`)
  for (const child of command.commands) strict(child)
}

const path = (command: Command): string =>
  command.parent ? `${path(command.parent)} ${command.name()}` : command.name()

/** A configuration's error tells each mistake in a line of its own. */
const hasProblems = (error: unknown): error is { readonly lines: readonly string[] } =>
  SluiceError.is(error) && Array.isArray((error as { lines?: unknown }).lines)

/** Runs one command line of `sluice`; gives back the exit status. */
export async function runCommand(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof ExitStatus) return error.status
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof Interrupted) {
      process.stderr.write(`sluice: ${error.message}\n`)
      return error.status
    }
    if (hasProblems(error)) for (const line of error.lines) process.stderr.write(`sluice: ${line}\n`)
    else if (SluiceError.is(error)) process.stderr.write(`sluice: ${error.message}\n`)
    else if (process.env.SLUICE_DEBUG) process.stderr.write(`${(error as Error).stack}\n`)
    else process.stderr.write(`sluice: ${(error as Error).message}\n`)
    return 1
  }
}
