import { Command } from 'commander'
import { status } from './datapath-adapter.js'
import { print, printJson, printTable } from './output.js'

const counted = (title: string, counters: Readonly<Record<string, bigint>>) =>
  Object.entries(counters)
    .filter(([, value]) => value > 0n)
    .map(([name, value]) => [title, name.replaceAll('_', ' '), String(value)])

/** `sluice status` */
export const statusCommand = (): Command =>
  new Command('status')
    .description('what is attached where, in which mode and why; the kernel; counters')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) => {
      const found = status()
      if (json) return printJson(found)
      print(`Linux ${found.kernel}, network namespace ${found.netnsCookie}`)
      print(
        found.table ? `table: ${found.table}, program ${found.program?.id} (${found.program?.tag})` : 'table: none yet',
      )
      if (found.files.length > 0) print(`files to cat: ${found.files.join(' ')}`)
      print(`devices are attached ${found.automatic ? 'by themselves' : 'as they were named'}`)
      printTable(
        ['DEVICE', 'MODE', 'HOOK', 'WHY', 'SINCE'],
        found.devices.map(({ device, mode = '-', hook = '-', reason, since = '' }) => [
          device,
          mode,
          hook,
          reason,
          since,
        ]),
      )
      if (!found.table) return
      const { used, size, bytes } = found.connections
      print(
        `connections: ${used} of ${size} (${bytes} bytes each with NAT, ${((size * bytes) / 2 ** 20).toFixed(1)} MiB)`,
      )
      for (const [name, value] of Object.entries(found.sysctls)) print(`${name} = ${value}`)
      const rows = [...counted('drop', found.drops), ...counted('event', found.events)]
      if (rows.length > 0) printTable(['COUNTER', 'REASON', 'PACKETS'], rows)
    })
