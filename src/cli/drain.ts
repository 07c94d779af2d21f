import { Command } from 'commander'
import { print, printJson } from './output.js'

interface Options {
  readonly service?: string
  readonly timeout?: string
  readonly json?: boolean
}

const SERVER = 'its address, or address:port'

/** `sluice drain` */
export const drainCommand = (): Command =>
  new Command('drain')
    .description('give a server no new connections; those that it has go on')
    .argument('<server>', SERVER)
    .option('--service <name>', 'in this service alone')
    .option('--timeout <time>', 'until what is left is cut off, such as 10m (default: never)')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nClients that are bound to the server by persistence go to another one. sluice health shows how far it is.',
    )
    .action(async (server: string, { service, timeout, json }: Options, command: Command) => {
      const { askDaemon } = await import('../daemon/index.js')
      const { parseDuration } = await import('../config/index.js')
      const milliseconds = timeout === undefined ? undefined : parseDuration(timeout)
      if (timeout !== undefined && milliseconds === undefined)
        command.error(`error: option '--timeout <time>': ${timeout} is no time. Write one such as 30s, 10m or 1h.`)
      const { servers } = await askDaemon<{ servers: number }>('/v1/drain', { server, service, timeout: milliseconds })
      if (json) printJson({ server, servers })
      else print(`draining ${server}${servers === 1 ? '' : ` (${servers} times)`}; sluice undrain ${server} ends it`)
    })

/** `sluice undrain` */
export const undrainCommand = (): Command =>
  new Command('undrain')
    .description('end a drain')
    .argument('<server>', SERVER)
    .option('--service <name>', 'of this service alone')
    .option('--json', 'as JSON')
    .action(async (server: string, { service, json }: Options) => {
      const { askDaemon } = await import('../daemon/index.js')
      const { drains } = await askDaemon<{ drains: number }>('/v1/undrain', { server, service })
      if (json) printJson({ server, drains })
      else print(`${server} takes connections again, as far as it is well`)
    })
