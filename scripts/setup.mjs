#!/usr/bin/env node
// The set-up alone: `node scripts/setup.mjs [start|test|bpf|bench]...`; `npm start` and `npm test` do it by themselves.
import { runMain, SetupError, setUp } from './lib/setup.mjs'

/** @typedef {import('./lib/packages.mjs').Purpose} Purpose */
/** @type {Purpose[]} */
const known = ['start', 'test', 'bpf', 'bench']

await runMain(async () => {
  const asked = process.argv.slice(2).map((word) => {
    const purpose = known.find((one) => one === word)
    if (!purpose) throw new SetupError(`usage: setup.mjs [${known.join('|')}]...`)
    return purpose
  })
  await setUp({ command: 'node scripts/setup.mjs', purposes: asked.length > 0 ? asked : ['start'] })
  return 0
})
