import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { Command } from 'commander'
import type { Imported, Remark } from '../config/import/index.js'
import { SluiceError } from '../errors.js'
import { processLookups } from '../ipvsadm/index.js'
import { ExitStatus } from './exit.js'

const KEEPALIVED = '/etc/keepalived/keepalived.conf'

/** `sluice import keepalived.conf|ipvsadm-rules [FILE]` */
export const importCommand = (): Command =>
  new Command('import')
    .description('write what another program was configured with as sluice.yaml')
    .addCommand(
      new Command('keepalived.conf')
        .description("keepalived's configuration, with what it includes")
        .argument('[file]', 'the configuration', KEEPALIVED)
        .option('-i, --config-id <id>', 'which lines with @ count, as with keepalived (default: the name of this host)')
        .action(keepalived),
    )
    .addCommand(
      new Command('ipvsadm-rules')
        .description('rules as ipvsadm -S writes them')
        .argument('[file]', 'the rules; - is standard input', '-')
        .action(rules),
    )
    .addHelpText(
      'after',
      '\nThe configuration goes to standard output; every line that is not taken over is named on standard error, with' +
        '\nits file, number and reason. See docs/migrate-keepalived.md.',
    )

// what is needed is loaded when it is: other commands shall not wait for it
const importers = () => import('../config/import/index.js')

async function keepalived(file: string, { configId }: { readonly configId?: string }): Promise<void> {
  const { importKeepalived } = await importers()
  await tell(importKeepalived(file, { configId: configId ?? (hostname().split('.')[0] as string) }), file)
}

async function rules(file: string): Promise<void> {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new SluiceError('SLUICE_NO_FILE', { path: file, reason: (error as Error).message }, { cause: error })
  }
  const { importRules } = await importers()
  await tell(importRules(file, text, processLookups()), file)
}

const remarkLine = ({ at, text, why }: Remark) => `${at.file}:${at.line}: ${text}: ${why}\n`

/** Prints the result, and says what is not in it, or what keeps it from being used. */
async function tell({ config, remarks }: Imported, file: string): Promise<void> {
  const { ConfigError, formatConfig, parseConfig, problemLine } = await import('../config/index.js')
  process.stderr.write(remarks.map(remarkLine).join(''))
  const text = formatConfig(config, [`Imported from ${file} by sluice import.`])
  process.stdout.write(text)
  try {
    parseConfig(text, 'sluice.yaml')
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(error.problems.map((problem) => `to be mended: ${problemLine(problem)}\n`).join(''))
    throw new ExitStatus(1)
  }
}
