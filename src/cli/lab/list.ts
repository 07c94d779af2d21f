import { Command } from 'commander'
import { instances, topologies } from '../../lab/index.js'
import { printJson, printTable } from '../output.js'

/** `sluice lab list` */
export const listCommand = (): Command =>
  new Command('list')
    .description('the labs, and which of them are up')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) => {
      const found = instances()
      const labs = topologies.map(({ name, title }) => ({
        name,
        title,
        instances: found
          .filter((one) => one.lab === name)
          .map(({ prefix, phase, abandoned, created, namespaces }) => ({
            prefix,
            state: abandoned ? 'interrupted' : phase,
            created,
            hosts: namespaces.map(({ host, name: namespace }) => ({ host, namespace })),
          })),
      }))
      if (json) return printJson(labs)
      printTable(
        ['NAME', 'STATE', 'PREFIX', 'CASE'],
        labs.flatMap(({ name, title, instances: up }) =>
          up.length === 0 ? [[name, '-', '-', title]] : up.map(({ prefix, state }) => [name, state, prefix, title]),
        ),
      )
    })
