import { Command } from 'commander'
import { status } from './datapath-adapter.js'
import { print, printJson, printTable } from './output.js'

const text = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)

/** `sluice status` */
export const statusCommand = (): Command =>
  new Command('status')
    .description('what is attached where, in which mode and why; the kernel; counters')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const found = await status()
      if (json) return printJson(found)
      const { devices, ...more } = found
      if (devices.length === 0) print('The datapath is on no device of this network namespace')
      else
        printTable(
          ['DEVICE', 'MODE', 'WHY'],
          devices.map(({ device, mode, why }) => [device, mode, why]),
        )
      printTable(
        ['ITEM', 'VALUE'],
        Object.entries(more).map(([name, value]) => [name, text(value)]),
      )
    })
