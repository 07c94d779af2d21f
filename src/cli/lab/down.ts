import { Command } from 'commander'
import { defaultPrefix, down, type Topology, textReporter } from '../../lab/index.js'
import { print } from '../output.js'
import { labArgument, prefixOption } from './arguments.js'

/** `sluice lab down` */
export const downCommand = (): Command =>
  new Command('down')
    .description('remove a lab, and what a crashed one has left; does nothing where there is none')
    .addArgument(labArgument())
    .addOption(prefixOption())
    .action(async (topology: Topology, { prefix = defaultPrefix(topology.name) }: { prefix?: string }) => {
      // not interruptible: half of a removal is worth nothing, and it is short
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {})
      const found = await down(prefix, textReporter())
      print(found ? `The lab ${prefix} is removed` : `The lab ${prefix} is not up`)
    })
