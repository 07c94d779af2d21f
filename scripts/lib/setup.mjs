// What `npm start` and `npm test` do by themselves on a fresh clone. Nothing is imported here but Node's own modules.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { install, missing } from './packages.mjs'
import { root } from './project.mjs'

/** A set-up that cannot be done: shown as one message, without a stack. */
export class SetupError extends Error {}

/** @param {string} line */
const say = (line) => process.stderr.write(`set-up: ${line}\n`)

/** @param {string} path */
const json = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'))

/** Why `npm ci` is needed, or nothing. */
function staleModules() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return 'node_modules is missing'
  const wanted = json('package-lock.json').packages
  const installed = json('node_modules/.package-lock.json').packages
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue
    const there = installed[path]
    // what is optional here may belong to another processor or C library
    if (!there ? !entry.optional : there.version !== entry.version) return `${path} differs from package-lock.json`
  }
  return undefined
}

/**
 * The latest change below a folder, milliseconds; a folder's own time tells of deletions.
 * @param {string} folder
 * @returns {number}
 */
function newest(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce(
    (latest, entry) =>
      Math.max(
        latest,
        entry.isDirectory() ? newest(join(folder, entry.name)) : statSync(join(folder, entry.name)).mtimeMs,
      ),
    statSync(folder).mtimeMs,
  )
}

/** Why `npm run build` is needed, or nothing. */
function staleBuild() {
  const stamp = join(root, 'dist/.built')
  if (!existsSync(stamp)) return 'dist is missing'
  const sources = Math.max(
    newest(join(root, 'src')),
    ...['package.json', 'tsconfig.json', 'scripts/build.mjs', 'scripts/lib/project.mjs'].map(
      (file) => statSync(join(root, file)).mtimeMs,
    ),
  )
  return sources > statSync(stamp).mtimeMs ? 'src is newer than dist' : undefined
}

/**
 * @param {string} what
 * @param {string} why
 * @param {string[]} argv
 */
function step(what, why, argv) {
  say(`${what}: ${why}`)
  const [program, ...args] = /** @type {[string, ...string[]]} */ (argv)
  const got = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  })
  if (got.error) throw new SetupError(`${what}: ${got.error.message}`)
  if (got.status !== 0) throw new SetupError(`${what} failed:\n${got.stdout}${got.stderr}`)
}

/**
 * Brings the checkout into a state in which its commands run.
 * @param {object} options
 * @param {string} options.command for messages: what the user typed
 * @param {import('./packages.mjs').Purpose[]} options.purposes whose Debian packages are needed
 */
export async function setUp({ command, purposes }) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (process.platform !== 'linux') throw new SetupError('Sluice runs on Linux')
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`Node 20.19 or newer is needed, this is ${process.versions.node}`)
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(`${command} makes network namespaces and loads BPF programs: run it as root (sudo ${command})`)
  }
  // each step below is one blocking call that also gets a Ctrl-C; we end only after it has been tidied up behind
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
  /** @param {NodeJS.Signals} signal */
  const end = (signal) => process.exit(128 + constants.signals[signal])
  for (const signal of signals) process.on(signal, end)
  // two turns of the event loop, so that it has polled: a signal that came during a blocking call ends us here
  const turn = async () => {
    await setImmediate()
    await setImmediate()
  }
  try {
    const modules = staleModules()
    // no dependency of ours needs its install script: koffi and esbuild come prebuilt
    if (modules) step('npm ci', modules, ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'])
    await turn()
    try {
      install(missing(...purposes), say)
    } catch (error) {
      throw new SetupError(error instanceof Error ? error.message : String(error))
    }
    await turn()
    const build = staleBuild()
    if (build) step('npm run build', build, [process.execPath, 'scripts/build.mjs'])
  } finally {
    await turn()
    for (const signal of signals) process.off(signal, end)
  }
}

/**
 * Runs `main` and turns what it returns into the exit status; a failed set-up is one message and status 1.
 * @param {() => number | Promise<number>} main
 */
export async function runMain(main) {
  try {
    process.exitCode = await main()
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
