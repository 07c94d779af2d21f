#!/usr/bin/env node
// npm run generate: docs/errors.md from the registry in src/errors.ts.
// npm run check:generated (--check) writes nothing and fails when the committed file differs.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './lib/project.mjs'

const source = 'src/errors.ts'
const target = 'docs/errors.md'

const bundle = await build({ entryPoints: [join(root, source)], bundle: true, format: 'esm', write: false })
const code = Buffer.from(bundle.outputFiles[0]?.contents ?? []).toString('base64')
/** @type {{ errorRegistry: Record<string, readonly [message: string, hint: string]> }} */
const { errorRegistry } = await import(`data:text/javascript;base64,${code}`)

const cell = (/** @type {string} */ text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
const rows = Object.entries(errorRegistry)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, [message, hint]]) => `| \`${name}\` | ${cell(message)} | ${cell(hint)} |`)

const text = `# Errors

What Sluice itself has to say, every command says in one line on standard error: the code, what is wrong, and what to do next. Codes are stable: scripts may rely on them. In the library the code is \`SluiceError.code\`, the last part \`hint\`. Words in braces stand for the particulars.

What kernel IPVS refuses too, \`ipvsadm\` says in ipvsadm's own words.

| Code | What is wrong | What to do |
|---|---|---|
${rows.join('\n')}

This page is made from \`${source}\` by \`npm run generate\`.
`

const path = join(root, target)
const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
if (before === text) console.log(`${target} is as ${source} says`)
else if (process.argv.includes('--check')) {
  console.error(`${target} differs from ${source}; run: npm run generate`)
  process.exit(1)
} else {
  writeFileSync(path, text)
  console.log(`${target} written from ${source}`)
}
