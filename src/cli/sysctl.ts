import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { SluiceError } from '../errors.js'
import { Director, type Sysctl, sysctlKey, sysctlName } from '../ipvs/index.js'
import { ExitStatus } from './exit.js'
import { print, printJson } from './output.js'

interface Options {
  readonly all?: boolean
  readonly write?: boolean
  readonly values?: boolean
  readonly ignore?: boolean
  readonly quiet?: boolean
  readonly load?: string
  readonly json?: boolean
}

/** `sluice sysctl` */
export const sysctlCommand = (): Command =>
  new Command('sysctl')
    .description("this network namespace's net.ipv4.vs.*, as sysctl(8) reads and sets kernel IPVS's")
    .argument('[key[=value]...]', 'net.ipv4.vs.drop_entry, or drop_entry alone; with =value it is set')
    .option('-a, --all', 'all of them, those without effect under a heading of their own (default without a key)')
    .option('-w, --write', 'every argument must be key=value')
    .option('-n, --values', 'print values only')
    .option('-e, --ignore', 'pass over unknown keys')
    .option('-q, --quiet', 'do not print what was set')
    .option('-p, --load <file>', 'set what a file like /etc/sysctl.conf says of net.ipv4.vs')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nThey live and end with the table, unlike services: sluice detach --flush. See docs/sysctls.md.',
    )
    .action((words: string[], options: Options, command: Command) => {
      const missing = options.write && words.find((word) => !word.includes('='))
      if (missing) command.error(`error: -w takes key=value, not ${missing}`)
      const director = Director.open()
      try {
        run(director, [...(options.load === undefined ? [] : settingsOf(options.load)), ...words], options)
      } finally {
        director.close()
      }
    })

function run(director: Director, words: readonly string[], options: Options): void {
  if (words.length === 0 && options.load === undefined) {
    showAll(director.sysctls(), options)
    return
  }
  let failed = false
  const shown: Sysctl[] = []
  for (const word of words) {
    try {
      const [, key = '', value] = /^([^=]*?)\s*(?:=\s*(.*?)\s*)?$/s.exec(word.trim()) ?? []
      if (value !== undefined) director.setSysctl(key, value)
      if (value === undefined || !options.quiet) shown.push(find(director, key))
    } catch (error) {
      if (!SluiceError.is(error)) throw error
      if (error.code === 'SLUICE_NO_SYSCTL' && options.ignore) continue
      // as sysctl(8): the others are done all the same
      if (error.code !== 'SLUICE_NO_SYSCTL' && error.code !== 'SLUICE_BAD_SYSCTL') throw error
      process.stderr.write(`sluice: ${error.message}\n`)
      failed = true
    }
  }
  if (options.json) printJson(shown)
  else print(...shown.map((each) => line(each, options)))
  if (failed) throw new ExitStatus(1)
}

function find(director: Director, key: string): Sysctl {
  const name = sysctlName(key)
  return director.sysctls().find((each) => each.name === name) as Sysctl
}

/** What sysctl(8) prints, so that it can be stored and loaded; the headings are comments to it. */
function showAll(all: readonly Sysctl[], options: Options): void {
  if (options.json) {
    printJson(all)
    return
  }
  const headings = { acts: '', moot: '# nothing here depends on:' } as const
  for (const effect of ['acts', 'moot'] as const) {
    const some = all.filter((each) => each.effect === effect)
    if (some.length === 0) continue
    if (headings[effect] && !options.values) print(headings[effect])
    print(...some.map((each) => line(each, options)))
  }
}

const line = ({ name, value }: Sysctl, { values }: Options) => (values ? value : `${sysctlKey(name)} = ${value}`)

/** The lines of a file that are about net.ipv4.vs; a dash before a key lets it be unknown, as in sysctl.conf(5). */
function settingsOf(path: string): string[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new SluiceError('SLUICE_NO_FILE', { path, reason: (error as Error).message }, { cause: error })
  }
  return text
    .split('\n')
    .map((each) => each.trim().replace(/^-\s*/, ''))
    .filter((each) => /^net[./]ipv4[./]vs[./][^=]*=/.test(each))
}
