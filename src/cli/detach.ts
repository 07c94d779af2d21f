import { Command } from 'commander'
import { detach } from './datapath-adapter.js'
import { print, printJson } from './output.js'

/** `sluice detach` */
export const detachCommand = (): Command =>
  new Command('detach')
    .description('take the datapath off devices of this network namespace')
    .argument('[device...]', 'default: every device that it is on')
    .option('--flush', 'remove the table too: services, connections and counters')
    .option('--json', 'as JSON')
    .action((devices: string[], { flush = false, json }: { flush?: boolean; json?: boolean }, command: Command) => {
      if (flush && devices.length > 0) command.error('error: --flush takes the datapath off every device: name none')
      const detached = detach(devices, { flush })
      if (json) return printJson({ devices: detached, flushed: flush })
      print(detached.length > 0 ? `detached from ${detached.join(', ')}` : 'the datapath was on no device')
    })
