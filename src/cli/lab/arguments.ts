import { Argument, InvalidArgumentError, Option } from 'commander'
import { type Topology, topologies } from '../../lab/index.js'

function topology(name: string): Topology {
  const found = topologies.find((one) => one.name === name)
  if (!found) throw new InvalidArgumentError(`The labs are: ${topologies.map((one) => one.name).join(', ')}.`)
  return found
}

/** `NAME`, parsed to the topology. */
export const labArgument = (): Argument =>
  new Argument('<name>', `the lab: ${topologies.map((one) => one.name).join(', ')}`).argParser(topology)

function prefix(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/.test(text)) {
    throw new InvalidArgumentError('Letters, digits and hyphens, at most 32.')
  }
  return text
}

export const prefixOption = (): Option =>
  new Option(
    '--prefix <prefix>',
    'first part of the names of its namespaces; labs of different prefixes stand side by side',
  )
    .argParser(prefix)
    .default(undefined, 'sluice-NAME')
