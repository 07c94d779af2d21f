import { Command } from 'commander'
import { downCommand } from './down.js'
import { enterCommand } from './enter.js'
import { listCommand } from './list.js'
import { runLabCommand } from './run.js'
import { upCommand } from './up.js'

/** `sluice lab`: the notes' cases on this machine. */
export const labCommand = (): Command => {
  const lab = new Command('lab')
    .description('the classic LVS topologies, each host a network namespace of this machine')
    .enablePositionalOptions() // what follows the host of `enter` belongs to the command that runs there
  for (const command of [listCommand, upCommand, downCommand, runLabCommand, enterCommand]) lab.addCommand(command())
  return lab
}
