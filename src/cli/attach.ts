import { Command, Option } from 'commander'
import { attach, type Mode } from './datapath-adapter.js'
import { printJson, printTable } from './output.js'

/** `sluice attach` */
export const attachCommand = (): Command =>
  new Command('attach')
    .description('attach the datapath to devices of this network namespace (adding a service does it by itself)')
    .argument('[device...]', 'default: every device that it can use')
    .addOption(new Option('--mode <mode>', 'hook').choices(['auto', 'tc', 'xdp', 'xdp-generic']).default('auto'))
    .option('--json', 'as JSON')
    .action((devices: string[], { mode, json }: { mode: Mode; json?: boolean }) => {
      const attached = attach(devices, { mode })
      if (json) return printJson(attached)
      printTable(
        ['DEVICE', 'MODE', 'HOOK', 'WHY'],
        attached.map(({ device, mode: chosen = '-', hook = '-', reason }) => [device, chosen, hook, reason]),
      )
    })
