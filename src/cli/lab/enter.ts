import { Command } from 'commander'
import { defaultPrefix, enter, type Topology } from '../../lab/index.js'
import { ExitStatus } from '../exit.js'
import { labArgument, prefixOption } from './arguments.js'

/** `sluice lab enter` */
export const enterCommand = (): Command =>
  new Command('enter')
    .description('a shell, or one command, on a host of a lab that is up')
    .addOption(prefixOption())
    .addArgument(labArgument())
    .argument('<host>', 'such as lvs, web1, internet')
    .argument('[command...]', 'what to run instead of a shell')
    .passThroughOptions()
    .action(async (topology: Topology, host: string, command: string[], options: { prefix?: string }) => {
      const status = await enter(topology.name, options.prefix ?? defaultPrefix(topology.name), host, command)
      if (status !== 0) throw new ExitStatus(status)
    })
