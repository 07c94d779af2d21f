import { Command } from 'commander'
import { upgradeTable } from '../datapath/index.js'
import { SluiceError } from '../errors.js'
import { print, printJson } from './output.js'

/** `sluice upgrade` */
export const upgradeCommand = (): Command =>
  new Command('upgrade')
    .description("put this version's program in the place of the one that runs here; connections go on")
    .option('--verbose', 'say each step')
    .option('--json', 'as JSON')
    .action(({ verbose = false, json = false }: { verbose?: boolean; json?: boolean }) => {
      const done = upgradeTable({ ...(verbose && !json ? { progress: (step) => print(`${step}`) } : {}) })
      if (!done) throw new SluiceError('SLUICE_NO_TABLE')
      if (json) return printJson(done)
      if (!done.changed) return print(`nothing to do: this version's program (${done.tag}) runs already`)
      const layout = done.from === done.to ? `layout ${done.to}` : `layout ${done.from} to ${done.to}`
      print(
        `program ${done.tag} now runs on ${done.devices.join(', ') || 'no device'}; ${layout}`,
        `maps shared: ${done.kept.length}, carried over: ${done.carried.join(' ')}`,
        done.heldMs > 0 ? `packets waited ${done.heldMs} ms` : 'no packet waited',
      )
    })
