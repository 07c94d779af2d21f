import { Command, Option } from 'commander'
import { type AskedMode, attach } from './datapath-adapter.js'
import { printJson, printTable } from './output.js'

const help = `
TC is always attached: it is the complete path. XDP stands before it and takes the packets of known connections
that change nothing about them; it leaves all else to TC. docs/xdp.md says when which one is faster.`

/** `sluice attach` */
export const attachCommand = (): Command =>
  new Command('attach')
    .description('attach the datapath to devices of this network namespace (adding a service does it by itself)')
    .argument('[device...]', 'default: every device that it can use')
    .addOption(
      new Option(
        '--mode <mode>',
        'TC alone, or XDP in front of it, in the driver or in the stack; auto looks at the device',
      )
        .choices(['auto', 'tc', 'xdp', 'xdp-generic'])
        .default('auto'),
    )
    .option('--fix', "change what stands in XDP's way (LRO, VLAN stripping, a veth's other end) until detach", false)
    .option('--json', 'as JSON')
    .addHelpText('after', help)
    .action((devices: string[], { mode, fix, json }: { mode: AskedMode; fix: boolean; json?: boolean }) => {
      const attached = attach(devices, { mode, fix })
      if (json) return printJson(attached)
      printTable(
        ['DEVICE', 'MODE', 'HOOK', 'WHY'],
        attached.map(({ device, mode: chosen = '-', hook = '-', reason }) => [device, chosen, hook, reason]),
      )
    })
