#!/usr/bin/env node
// npm run build:bpf [-- --install]: compiles each entry (a .c directly in bpf/) to the object that is committed and shipped.
// npm run check:bpf (--check): compiles into a folder of its own and fails when a committed object differs.
// The same sources give the same bytes on every machine: the compiler is pinned and no path, date or name enters.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { install, missing } from './lib/packages.mjs'
import { root } from './lib/project.mjs'
import { runMain, SetupError } from './lib/setup.mjs'

/** Debian 12's. Another patch level may choose other instructions. */
const clangVersion = '14.0.6'
const packages = 'clang-14 llvm-14 libbpf-dev linux-libc-dev'

/** @param {string} program @param {string[]} args */
function run(program, args) {
  const got = spawnSync(program, args, { cwd: root, encoding: 'utf8', env: { PATH: process.env.PATH, LC_ALL: 'C' } })
  if (got.status !== 0)
    throw new SetupError(`${program} ${args.join(' ')}\n${got.error?.message ?? got.stdout + got.stderr}`)
  return got.stdout
}

function needCompiler() {
  const lacking = missing('bpf')
  if (lacking.length > 0) {
    if (!process.argv.includes('--install')) {
      throw new SetupError(
        `missing: ${lacking.map((need) => need.package).join(' ')}; run: apt-get install ${packages}, or: npm run build:bpf -- --install`,
      )
    }
    install(lacking, (line) => process.stderr.write(`set-up: ${line}\n`))
  }
  const version = /clang version (\S+)/.exec(run('clang-14', ['--version']))?.[1] ?? 'unknown'
  if (version.split('-')[0] !== clangVersion) {
    throw new SetupError(`clang ${clangVersion} (Debian 12's clang-14) makes the committed object, this is ${version}`)
  }
}

/** Versions of what an object is made from, for the message when two differ. */
const toolVersions = () =>
  spawnSync('dpkg-query', ['-W', '-f', `\${Package} \${Version}\n`, ...packages.split(' ')], {
    encoding: 'utf8',
  }).stdout?.trim() ?? ''

/** bpf/tc.c is the datapath itself; any other entry's object has its own name. @param {string} source */
const objectName = (source) => `${source === 'tc.c' ? 'sluice' : basename(source, '.c')}.bpf.o`

/** @param {string} source @param {string} output absolute */
function compile(source, output) {
  const multiarch = join('/usr/include', run('clang-14', ['-print-multiarch']).trim())
  // relative names: BTF carries each line's file and text, and LLVM reads the text from the name that the prefix map made
  run('clang-14', [
    ...['-O2', '-g', '-target', 'bpf', '-mcpu=v3', '-Wall', '-Wextra', '-Werror'],
    ...[`-ffile-prefix-map=${root}=.`, '-fno-ident', '-isystem', multiarch, '-I', 'bpf'],
    ...['-c', join('bpf', source), '-o', output],
  ])
  run('llvm-strip-14', ['-g', output])
}

await runMain(() => {
  const check = process.argv.includes('--check')
  const sources = readdirSync(join(root, 'bpf'))
    .filter((name) => name.endsWith('.c'))
    .sort()
  if (sources.length === 0) throw new SetupError('there is no .c file in bpf/')
  needCompiler()
  const folder = check ? mkdtempSync(join(tmpdir(), 'sluice-bpf-')) : join(root, 'bpf')
  mkdirSync(folder, { recursive: true })
  let status = 0
  try {
    for (const source of sources) {
      const name = objectName(source)
      const output = join(folder, name)
      compile(source, output)
      if (!check) {
        console.log(`bpf/${source} → ${relative(root, output)}`)
        continue
      }
      const committed = join(root, 'bpf', name)
      const same = existsSync(committed) && readFileSync(committed).equals(readFileSync(output))
      if (same) console.log(`bpf/${name} is what bpf/${source} gives`)
      else {
        console.error(
          `bpf/${name} differs from what bpf/${source} gives; run: npm run build:bpf, and commit it\nmade here with:\n${toolVersions()}`,
        )
        status = 1
      }
    }
  } finally {
    if (check) rmSync(folder, { recursive: true, force: true })
  }
  return status
})
