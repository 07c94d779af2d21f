#!/usr/bin/env node
// npm run generate: the TypeScript of the records that the datapath shares with the control plane, from the object's BTF.
// npm run check:generated (--check) writes nothing and fails when the committed file differs.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readLayout } from './btf/layout.mjs'
import { emit } from './btf/typescript.mjs'
import { root } from './lib/project.mjs'

const object = 'bpf/sluice.bpf.o'
const target = 'src/datapath/layouts.ts'

/** The formatter's own opinion, so that it never disagrees with the generator. @param {string} text */
function format(text) {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const got = spawnSync(process.execPath, [biome, 'format', '--colors=off', `--stdin-file-path=${target}`], {
    cwd: root,
    input: text,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  if (got.status !== 0) throw new Error(`biome could not format the layouts: ${got.stderr}`)
  return got.stdout
}

const text = format(emit(readLayout(readFileSync(join(root, object))), object))
const path = join(root, target)
const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
if (before === text) console.log(`${target} is as ${object} says`)
else if (process.argv.includes('--check')) {
  console.error(`${target} differs from ${object}; run: npm run generate`)
  process.exit(1)
} else {
  writeFileSync(path, text)
  console.log(`${target} written from ${object}`)
}
