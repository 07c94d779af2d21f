import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { root } from './project.mjs'

const place = mkdtempSync(join(tmpdir(), 'sluice-setup-'))
after(() => rmSync(place, { recursive: true }))

/** A checkout whose npm and build only write down that they ran. */
const checkout = join(place, 'checkout')
const log = join(place, 'log')

/** @param {string} path @param {string} text */
function put(path, text) {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
}

/** @param {Record<string, object>} packages */
const lock = (packages) => JSON.stringify({ lockfileVersion: 3, packages })

const installed = { 'node_modules/a': { version: '1.0.0' } }
const wanted = { '': { name: 'sluice' }, ...installed, 'node_modules/b-arm64': { version: '1.0.0', optional: true } }

/** @param {string} name */
const path = (name) => join(checkout, name)

beforeEach(() => {
  rmSync(checkout, { recursive: true, force: true })
  cpSync(join(root, 'scripts/lib'), path('scripts/lib'), { recursive: true })
  cpSync(join(root, 'scripts/setup.mjs'), path('scripts/setup.mjs'))
  put(path('package.json'), '{ "type": "module" }')
  put(path('tsconfig.json'), '{}')
  put(path('package-lock.json'), lock(wanted))
  put(path('node_modules/.package-lock.json'), lock(installed))
  put(path('src/one.ts'), '')
  put(path('scripts/build.mjs'), `import { appendFileSync } from 'node:fs'\nappendFileSync('${log}', 'build\\n')`)
  put(path('dist/.built'), '')
  const later = new Date(Date.now() + 1000)
  utimesSync(path('dist/.built'), later, later)
  put(join(place, 'bin/npm'), `#!/bin/sh\necho npm "$@" >>${log}\n`)
  chmodSync(join(place, 'bin/npm'), 0o755)
  put(log, '')
})

/** Sets the checkout up and returns what ran. @param {string[]} command */
function setUp(command = [process.execPath, path('scripts/setup.mjs'), 'bench']) {
  const [program = '', ...args] = command
  const env = { ...process.env, PATH: `${join(place, 'bin')}:${process.env.PATH}` }
  const got = spawnSync(program, args, { encoding: 'utf8', env })
  return { ...got, ran: readFileSync(log, 'utf8').trim() }
}

// the packages are not this test's business: it must not install anything
beforeEach(() => {
  const packages = path('scripts/lib/packages.mjs')
  put(packages, 'export const missing = () => []\nexport const install = () => {}\n')
})

describe('the set-up of a checkout', () => {
  it('does nothing and says nothing when all is there', () => {
    assert.deepEqual(pick(setUp()), { status: 0, stderr: '', ran: '' })
  })

  it('runs npm ci, without install scripts, when node_modules is missing', () => {
    rmSync(path('node_modules'), { recursive: true })
    const got = setUp()
    assert.match(got.ran, /^npm ci --ignore-scripts/)
    assert.match(got.stderr, /npm ci: node_modules is missing/)
  })

  it('runs npm ci when a package differs from the lock, not when an optional one is absent', () => {
    put(path('node_modules/.package-lock.json'), lock({ 'node_modules/a': { version: '0.9.0' } }))
    assert.match(setUp().ran, /^npm ci/)
  })

  it('builds when dist is missing', () => {
    rmSync(path('dist'), { recursive: true })
    assert.equal(setUp().ran, 'build')
  })

  it('builds when a source is newer than the build, or gone since', () => {
    const later = new Date(Date.now() + 5000)
    utimesSync(path('src/one.ts'), later, later)
    assert.equal(setUp().ran, 'build')
    put(log, '')
    utimesSync(path('src/one.ts'), new Date(0), new Date(0))
    utimesSync(path('src'), later, later)
    assert.equal(setUp().ran, 'build')
  })

  it('shows the output of a step that fails, and fails', () => {
    rmSync(path('dist'), { recursive: true })
    put(path('scripts/build.mjs'), "console.error('no such type'); process.exit(2)")
    const got = setUp()
    assert.equal(got.status, 1)
    assert.match(got.stderr, /npm run build failed:\nno such type/)
  })

  it('asks for root in one line and changes nothing', {
    skip: process.getuid?.() !== 0 && 'needs root to become somebody else',
  }, () => {
    rmSync(path('dist'), { recursive: true })
    for (const folder of [place, checkout]) chmodSync(folder, 0o755)
    const got = setUp(['setpriv', '--reuid=65534', '--clear-groups', process.execPath, path('scripts/setup.mjs')])
    assert.deepEqual(pick(got), {
      status: 1,
      stderr:
        'node scripts/setup.mjs makes network namespaces and loads BPF programs: run it as root (sudo node scripts/setup.mjs)\n',
      ran: '',
    })
  })
})

/** @param {ReturnType<typeof setUp>} got */
function pick({ status, stderr, ran }) {
  return { status, stderr, ran }
}
