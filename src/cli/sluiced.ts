import { spawn } from 'node:child_process'
import { fstatSync, openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config/index.js'
import { daemonLog, runDaemon } from '../daemon/index.js'
import { SluiceError } from '../errors.js'
import { findBpffs, inheritBpffs } from '../kernel/index.js'
import { version } from './version.js'

/** The daemon's own command: it is one of its own so that units and process lists name it. */

interface Options {
  readonly config: string
  readonly foreground?: boolean
  readonly log?: string
}

/** Where a daemon in the background finds the BPF file system: its starter may be gone by then. */
const BPFFS = 3

async function main(): Promise<number> {
  let options: Options | undefined
  const command = new Command('sluiced')
    .description('keeps the virtual server table of this network namespace as sluice.yaml says')
    .version(version())
    .option('-c, --config <file>', 'the configuration', '/etc/sluice/sluice.yaml')
    .option('-f, --foreground', 'stay in the foreground, and log to standard error')
    .option('--log <file>', 'in the background: the log (default: below /run/sluice/daemon)')
    .addHelpText(
      'after',
      '\nSIGHUP, or sluice apply, has it read its configuration again; SIGTERM ends it, and packets flow on.\n' +
        'sluice health shows what it knows. See docs/sluiced.md.',
    )
    .showHelpAfterError('(see: sluiced --help)')
    .exitOverride()
    .action((given: Options) => {
      options = given
    })
  try {
    command.parse()
    if (!options) return 0
    return options.foreground ? await foreground(options) : await background(options)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof ConfigError) for (const line of error.lines) process.stderr.write(`sluiced: ${line}\n`)
    else if (SluiceError.is(error) || !process.env.SLUICE_DEBUG)
      process.stderr.write(`sluiced: ${(error as Error).message}\n`)
    else process.stderr.write(`${(error as Error).stack}\n`)
    return 1
  }
}

async function foreground({ config }: Options): Promise<number> {
  // pins are reached by the way of this moment, however long ancestors live
  inheritBpffs(process.send ? BPFFS : openSync(findBpffs(), 'r'))
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())
  await runDaemon({
    file: config,
    // systemd's journal has a clock of its own
    log: (line) =>
      process.stderr.write(process.env.JOURNAL_STREAM ? `${line}\n` : `${new Date().toISOString()} ${line}\n`),
    signal: stop.signal,
    ready: () => {
      process.send?.('ready')
      process.disconnect?.()
    },
  })
  return 0
}

/** Starts it as a process of its own, and waits until it is ready or has ended. */
function background({ config, log = daemonLog() }: Options): Promise<number> {
  const file = openSync(log, 'a', 0o640)
  const { size } = fstatSync(file)
  const words = [process.argv[1] as string, '--foreground', '--config', resolve(config)]
  const child = spawn(process.execPath, words, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', file, file, openSync(findBpffs(), 'r'), 'ipc'],
  })
  return new Promise((done) => {
    child.once('message', () => {
      child.disconnect()
      child.unref()
      done(0)
    })
    child.once('exit', (status) => {
      process.stderr.write(readFileSync(log).subarray(size))
      done(status || 1)
    })
    child.once('error', (error) => {
      process.stderr.write(`sluiced: ${error.message}\n`)
      done(1)
    })
  })
}

process.exitCode = await main()
