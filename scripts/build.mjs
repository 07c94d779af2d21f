#!/usr/bin/env node
// npm run build: src/ → dist/ by tsc (library, declarations, tests), then one bundle a command, for start-up speed.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { bundles, root } from './lib/project.mjs'

/**
 * Removes outputs whose source is gone, so that the test runner does not run a deleted test.
 * @param {string} from folder below src/
 */
function prune(from = '') {
  const dist = join(root, 'dist', from)
  for (const entry of readdirSync(dist, { withFileTypes: true })) {
    const path = join(from, entry.name)
    if (entry.isDirectory()) {
      if (path === 'bin') continue
      if (existsSync(join(root, 'src', path))) prune(path)
      else rmSync(join(dist, entry.name), { recursive: true })
      continue
    }
    const source = /^(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(path)?.[1]
    if (source && !existsSync(join(root, 'src', `${source}.ts`))) rmSync(join(dist, entry.name))
  }
}

const started = new Date()
const tsc = new Promise((resolve) => {
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '-p', root]
  spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }).on('exit', (code) => resolve(code === 0))
})

/**
 * Modules of Node's own that take milliseconds to load and are hardly ever called: they are loaded by the first use of one of
 * their names, instead of by the import.
 * @type {import('esbuild').Plugin}
 */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup(bundler) {
    const namespace = 'lazy'
    bundler.onResolve({ filter: /^node:(net|crypto|child_process)$/ }, ({ path, namespace: from }) =>
      from === namespace ? { path, external: true } : { path, namespace },
    )
    bundler.onLoad({ filter: /.*/, namespace }, async ({ path }) => ({
      contents: Object.keys(await import(path))
        .filter((name) => name !== 'default')
        .map(
          (name) =>
            `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => require('${path}').${name} })`,
        )
        .join('\n'),
    }))
  },
}

const entryPoints = Object.fromEntries(
  Object.entries(bundles)
    .filter(([, source]) => existsSync(join(root, source)))
    .map(([name, source]) => [name, join(root, source)]),
)
/** @type {import('esbuild').BuildOptions & { absWorkingDir: string }} */
const common = {
  absWorkingDir: root,
  outdir: join(root, 'dist/bin'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  // koffi finds its prebuilt binary beside its own files, so it stays a package
  external: ['koffi'],
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
}
if (Object.keys(entryPoints).length > 0) {
  const { ipvsadm, ...others } = entryPoints
  // what scripts call over and over: CommonJS spares the start of Node's ES module loader
  const results = []
  if (ipvsadm) {
    const result = await build({
      ...common,
      entryPoints: { ipvsadm },
      format: 'cjs',
      outExtension: { '.js': '.cjs' },
      minifyWhitespace: true,
      minifySyntax: true,
      plugins: [lazyBuiltins],
      define: { 'import.meta.url': '$url' },
      banner: { js: "const $url = require('node:url').pathToFileURL(__filename).href" },
    })
    results.push(result)
  }
  const result = await build({
    ...common,
    entryPoints: others,
    format: 'esm',
    // packages written for CommonJS (commander) call require() for Node's modules
    banner: {
      js: "import { createRequire as $createRequire } from 'node:module'\nconst require = $createRequire(import.meta.url)",
    },
  })
  results.push(result)
  // a bundle that is not made any more
  const made = results.flatMap(({ metafile }) => Object.keys(metafile?.outputs ?? {}))
  for (const name of readdirSync(join(root, 'dist/bin')))
    if (!made.includes(`dist/bin/${name}`)) rmSync(join(root, 'dist/bin', name))
}

// types do not stop a bundle, so a slip in one folder keeps nobody from running another; the build has failed all the same
if (!(await tsc)) process.exit(1)
prune()

// `npm start` and `npm test` compare the sources with this; what changes during a build is newer than its start
const stamp = join(root, 'dist/.built')
writeFileSync(stamp, '')
utimesSync(stamp, started, started)
