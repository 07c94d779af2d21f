import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import type { ApplyAnswer, Change, HealthAnswer } from '../daemon/index.js'
import { SluiceError } from '../errors.js'
import { print, printJson } from './output.js'

interface Options {
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** `sluice apply` */
export const applyCommand = (): Command =>
  new Command('apply')
    .description('have sluiced keep the table as a configuration says')
    .argument('[file]', 'the configuration (default: the file that sluiced runs with)')
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nThe whole file is looked at first: with a mistake in it nothing is changed. What is the same before and after is\n' +
        'not touched. See docs/configuration.md.',
    )
    .action(apply)

async function apply(given: string | undefined, { dryRun = false, json }: Options): Promise<void> {
  // most commands have no need of a schema, and its start-up time
  const { askDaemon } = await import('../daemon/index.js')
  const { parseConfig } = await import('../config/index.js')
  const from = given === undefined ? (await askDaemon<HealthAnswer>('/v1/health')).file : resolve(given)
  const text = read(from)
  // mistakes are told with or without a daemon
  parseConfig(text, given ?? from)
  const { changes, file } = await askDaemon<ApplyAnswer>('/v1/apply', { file: from, text, dryRun })
  if (json) return printJson({ dryRun, file: from, changes })
  print(...changesText(changes))
  if (!dryRun && file !== from) print(`sluiced reads ${file} when it is started again, or told to by SIGHUP`)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SluiceError('SLUICE_NO_FILE', { path, reason: (error as Error).message }, { cause: error })
  }
}

function changesText(changes: readonly Change[]): string[] {
  if (changes.length === 0) return ['no change']
  return changes.flatMap(({ what, lines }) => [what, ...lines.map((line) => `  ${line}`)])
}
