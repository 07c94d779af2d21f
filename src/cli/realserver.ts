import { Command, InvalidArgumentError } from 'commander'
import {
  type Decapsulation,
  type RealServerStatus,
  realServerStatus,
  startRealServer,
  stopRealServer,
} from '../realserver/index.js'
import { print, printJson, printTable } from './output.js'

const describe = (how: Decapsulation) =>
  `Decapsulation: ${how.by === 'ipip' ? `the kernel's ${how.device}` : `BPF program on ${how.devices.join(', ')}`}, because ${how.why}`

function show({ vips, sysctls, decapsulation }: RealServerStatus): void {
  if (vips.length === 0) {
    print('No VIP was started in this network namespace')
    return
  }
  printTable(
    ['VIP', 'ON LO'],
    vips.map(({ address, onLoopback }) => [address, onLoopback ? 'yes' : 'no']),
  )
  printTable(
    ['PARAMETER', 'VALUE', 'BEFORE'],
    sysctls.map(({ name, value, previous }) => [name, value, previous]),
  )
  if (decapsulation) print(describe(decapsulation))
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65535)
    throw new InvalidArgumentError('A number from 1 to 65535.')
  return Number(text)
}

const collect = (value: string, previous: string[] = []): string[] => [...previous, value]

interface StartOptions {
  readonly tunnel?: boolean
  readonly gre?: boolean
  readonly gue?: number
  readonly device?: string[]
}

/** `sluice realserver`: what the notes' lvs_dr_rs.sh does. */
export const realServerCommand = (): Command => {
  const realserver = new Command('realserver').description('make this host a real server for direct routing or tunnel')
  realserver
    .command('start')
    .description('put the VIPs on lo, with ARP silent about them')
    .argument('<vip...>', 'IPv4 or IPv6 addresses')
    .option(
      '--tunnel',
      'unwrap tunnelled packets too: by the kernel where it has an ipip device and no VIP is of IPv6, else by a BPF program',
    )
    .option('--gre', 'unwrap GRE as well, by the BPF program')
    .option('--gue <port>', 'unwrap GUE that comes to this UDP port as well, by the BPF program', port)
    .option(
      '--device <name>',
      'unwrap by the BPF program, on this device (repeatable; default: every Ethernet device with an address)',
      collect,
    )
    .addHelpText('after', '\nThe VIP stays on lo without a label; the classic scripts call the same thing lo:1.')
    .action((vips: string[], { tunnel = false, gre = false, gue = 0, device = [] }: StartOptions) => {
      const { decapsulation } = startRealServer(vips, { tunnel, gre, guePort: gue, devices: device })
      if (decapsulation) print(describe(decapsulation))
      print('The RS Server is Ready!')
    })
  realserver
    .command('stop')
    .description(
      'undo start, for these VIPs or for all: addresses, kernel parameters and decapsulation as they were before',
    )
    .argument('[vip...]')
    .action((vips: string[]) => {
      for (const note of stopRealServer(vips)) process.stderr.write(`${note}\n`)
      print('The RS Server is Canceled!')
    })
  realserver
    .command('status')
    .description('what start has put in force here')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) => (json ? printJson(realServerStatus()) : show(realServerStatus())))
  return realserver
}
