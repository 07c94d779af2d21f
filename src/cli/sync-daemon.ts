import { readFileSync } from 'node:fs'
import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { type DaemonState, Director, IpvsError, statisticsFile } from '../ipvs/index.js'
import { runDaemon } from '../sync/index.js'
import { ExitStatus, interruptible } from './exit.js'
import { print, printJson, printTable } from './output.js'

interface Options {
  readonly mcastInterface: string
  readonly syncid?: number
  readonly syncMaxlen?: number
  readonly mcastGroup?: string
  readonly mcastPort?: number
  readonly mcastTtl?: number
  readonly inherit?: boolean
  readonly json?: boolean
}

const number = (low: number, high: number) => (text: string) => {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= low && value <= high)) throw new InvalidArgumentError(`A number from ${low} to ${high}.`)
  return value
}

/** `sluice sync-daemon`: what `ipvsadm --start-daemon` starts, in the foreground; and what the daemons that run have done. */
export const syncDaemonCommand = (): Command =>
  new Command('sync-daemon')
    .description('a connection synchronization daemon in the foreground, or the figures of those that run')
    .addArgument(
      new Argument('[what]', 'what to be, or to show').choices(['master', 'backup', 'status']).default('status'),
    )
    .option('--mcast-interface <device>', 'the device to the other directors', 'eth0')
    .option('--syncid <number>', 'which directors belong together; a backup with 0 takes all', number(0, 255))
    .option('--sync-maxlen <bytes>', 'the longest message', number(1, 65507))
    .option('--mcast-group <address>', 'multicast group')
    .option('--mcast-port <port>', 'UDP port', number(1, 65535))
    .option('--mcast-ttl <number>', 'hops that a message may take', number(1, 255))
    .addOption(new Option('--inherit', 'socket and lock come from the process that starts this one').hideHelp())
    .option('--json', 'status: as JSON')
    .addHelpText('after', '\nipvsadm --start-daemon starts it in the background. See docs/sync.md.')
    .action(async (what: DaemonState | 'status', options: Options) => {
      if (what === 'status') status(options)
      else await interruptible((signal) => run(what, options, signal))
    })

async function run(state: DaemonState, options: Options, signal: AbortSignal): Promise<void> {
  const { mcastInterface, syncid, syncMaxlen, mcastGroup, mcastPort, mcastTtl } = options
  try {
    await runDaemon({
      state,
      options: {
        interface: mcastInterface,
        ...(syncid === undefined ? {} : { syncid }),
        ...(syncMaxlen === undefined ? {} : { maxLength: syncMaxlen }),
        ...(mcastGroup === undefined ? {} : { group: mcastGroup }),
        ...(mcastPort === undefined ? {} : { port: mcastPort }),
        ...(mcastTtl === undefined ? {} : { ttl: mcastTtl }),
      },
      inherit: options.inherit ?? false,
      signal,
      log: (line) => process.stderr.write(`sluice: ${line}\n`),
    })
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error
    process.stderr.write(`sluice: ${error.message}\n`)
    throw new ExitStatus(1)
  }
}

type Figures = Readonly<Record<string, unknown>>

function status({ json }: Options): void {
  const director = Director.open()
  const daemons = director.daemons().map((daemon) => ({ ...daemon, figures: figuresOf(daemon.state) }))
  director.close()
  if (json) printJson(daemons)
  else if (daemons.length === 0) print('no synchronization daemon runs here')
  if (json) return
  for (const { figures, state, interface: device, syncid, group, port } of daemons) {
    print(`${state} on ${device}, syncid ${syncid}, ${group} port ${port}`)
    printTable(['FIGURE', 'COUNT'], flat(figures))
  }
}

function figuresOf(state: DaemonState): Figures {
  try {
    const { state: _, ...figures } = JSON.parse(readFileSync(statisticsFile(state), 'utf8')) as Figures
    return figures
  } catch {
    return {} // it has just started
  }
}

const flat = (figures: Figures, prefix = ''): string[][] =>
  Object.entries(figures).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? flat(value as Figures, `${prefix}${name} `)
      : [[prefix + name, `${value}`]],
  )
