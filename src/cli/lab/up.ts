import { Command } from 'commander'
import { type LabRecord, type Topology, textReporter, up } from '../../lab/index.js'
import { interruptible } from '../exit.js'
import { print, printJson } from '../output.js'
import { labArgument, prefixOption } from './arguments.js'
import { howToEnter } from './hint.js'

/** `sluice lab up` */
export const upCommand = (): Command =>
  new Command('up')
    .description('build a lab and leave it up: hosts, wires and servers, and no virtual service yet')
    .addArgument(labArgument())
    .addOption(prefixOption())
    .option('--json', 'as JSON')
    .action(async (topology: Topology, { prefix, json }: { prefix?: string; json?: boolean }) => {
      const record: LabRecord = await interruptible((signal) =>
        up(topology, { prefix, signal, reporter: textReporter() }),
      )
      if (json) {
        const hosts = record.namespaces.map(({ host, name }) => ({ host, namespace: name }))
        return printJson({ lab: record.lab, prefix: record.prefix, directory: record.directory, hosts })
      }
      print(...howToEnter(record.lab, record.prefix))
    })
