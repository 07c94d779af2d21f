import { Command } from 'commander'
import { quietReporter, type RunResult, run, type Topology, textReporter } from '../../lab/index.js'
import { ExitStatus, interruptible } from '../exit.js'
import { print, printJson } from '../output.js'
import { labArgument, prefixOption } from './arguments.js'
import { howToEnter } from './hint.js'

interface Options {
  readonly prefix?: string
  readonly keep?: boolean
  readonly json?: boolean
}

function summary({ checks, ok, seconds }: RunResult): string {
  const failed = checks.filter((check) => !check.ok).length
  const verdict = ok ? `all ${checks.length} checks hold` : `${failed} of ${checks.length} checks failed`
  return `\n${ok ? '✔' : '✘'} ${verdict} (${seconds.toFixed(1)} s)`
}

/** What was measured stands beside the rest. */
const asJson = ({ figures, ...rest }: RunResult) => ({ ...rest, ...figures })

/** `sluice lab run` */
export const runLabCommand = (): Command =>
  new Command('run')
    .description('build a lab, run the commands of the notes in it and check what they print, remove it')
    .addArgument(labArgument())
    .addOption(prefixOption())
    .option('--keep', 'leave the lab up')
    .option('--json', 'commands, output and checks as JSON')
    .action(async (topology: Topology, { prefix, keep = false, json = false }: Options) => {
      const reporter = json ? quietReporter() : textReporter()
      const result = await interruptible((signal) => run(topology, { prefix, keep, signal, reporter }))
      if (json) printJson(asJson(result))
      else {
        print(summary(result))
        if (result.kept) print('', ...howToEnter(result.lab, result.prefix))
      }
      if (!result.ok) throw new ExitStatus(1)
    })
