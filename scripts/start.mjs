#!/usr/bin/env node
// npm start [-- --keep]: set-up, then the NAT case of the notes: real hosts, real nginx, real requests.
import { node } from './lib/child.mjs'
import { runMain, setUp } from './lib/setup.mjs'

await runMain(async () => {
  await setUp({ command: 'npm start', purposes: ['start'] })
  return node(['bin/sluice', 'lab', 'run', 'nat', ...process.argv.slice(2)])
})
