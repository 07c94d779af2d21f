#!/usr/bin/env node
// npm test [-- FILE...]: set-up, then every test under Node's own runner: beside the code (compiled), in test/ and in scripts/.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { node } from './lib/child.mjs'
import { root } from './lib/project.mjs'
import { runMain, SetupError, setUp } from './lib/setup.mjs'

/**
 * @param {string} folder
 * @param {string} suffix
 * @returns {string[]}
 */
function find(folder, suffix) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

await runMain(async () => {
  await setUp({ command: 'npm test', purposes: ['test'] })
  const asked = process.argv.slice(2)
  const files =
    asked.length > 0
      ? asked
      : [...find('dist', '.test.js'), ...find('scripts', '.test.mjs'), ...find('test', '.test.mjs')]
  if (files.length === 0) throw new SetupError('no test file was found')
  // one file at a time: tests make namespaces and load programs, and some look at what the whole machine has pinned
  return node(['--enable-source-maps', '--test', '--test-concurrency=1', ...files])
})
