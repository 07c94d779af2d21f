import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SluiceError, type SluiceErrorCode } from '../errors.js'
import { install, uninstall } from './install.js'

const home = fileURLToPath(new URL('../..', import.meta.url))
const sbin = '/usr/local/sbin'
const units = '/etc/systemd/system'
const unit = `${units}/ipvsadm.service`
const wants = `${units}/multi-user.target.wants/ipvsadm.service`

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-install-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const put = (more: Partial<Parameters<typeof install>[0]> = {}) =>
  install({ root, sbin, units, enable: true, force: false, dryRun: false, ...more })
const take = (more: Partial<Parameters<typeof uninstall>[0]> = {}) =>
  uninstall({ root, force: false, dryRun: false, ...more })

/** All below the root: path → a file's text, `-> target` of a link, `/` for a folder. */
function tree(): Record<string, string> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(
    names.map((name) => {
      const path = join(root, name)
      const stat = lstatSync(path)
      if (stat.isSymbolicLink()) return [name, `-> ${readlinkSync(path)}`]
      return [name, stat.isFile() ? readFileSync(path, 'utf8') : '/']
    }),
  )
}

function write(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), text)
}

const refused = (work: () => void, code: SluiceErrorCode, said: RegExp) =>
  assert.throws(work, (error) => SluiceError.is(error) && error.code === code && said.test(error.message))

describe('install', () => {
  it('links the commands, writes the unit and lets it start at boot', () => {
    put()
    for (const name of ['ipvsadm', 'ipvsadm-save', 'ipvsadm-restore', 'sluice', 'sluiced'])
      assert.equal(readlinkSync(join(root, sbin, name)), join(home, 'bin', name))
    assert.equal(readlinkSync(join(root, wants)), unit)
    const text = readFileSync(join(root, unit), 'utf8')
    assert.match(text, /^ExecStart="\/.*node.*" "\/.*\/bin\/sluice" rules load$/m)
    assert.match(text, /^ExecStop="\/.*node.*" "\/.*\/bin\/sluice" rules save --clear$/m)
    assert.match(text, /^WantedBy=multi-user.target$/m)
  })

  it('puts commands that run', () => {
    put()
    const text = execFileSync(join(root, sbin, 'ipvsadm'), ['--version'], { encoding: 'utf8' })
    assert.match(text, /^ipvsadm v1\.31 /)
  })

  it('says what it did, in order', () => {
    const actions = put().map(({ action, path }) => `${action} ${path}`)
    assert.deepEqual(actions.slice(-8), [
      `link ${sbin}/ipvsadm`,
      `link ${sbin}/ipvsadm-save`,
      `link ${sbin}/ipvsadm-restore`,
      `link ${sbin}/sluice`,
      `link ${sbin}/sluiced`,
      `write ${unit}`,
      `write ${units}/sluiced.service`,
      `link ${wants}`,
    ])
    assert.ok(actions.slice(0, -8).every((line) => line.startsWith('make /')))
  })

  it('takes other folders, and does not start the unit at boot where it is not to', () => {
    put({ sbin: '/usr/sbin', units: '/usr/lib/systemd/system', enable: false })
    assert.ok(lstatSync(join(root, '/usr/sbin/ipvsadm')).isSymbolicLink())
    assert.deepEqual(readdirSync(join(root, '/usr/lib/systemd/system')), ['ipvsadm.service', 'sluiced.service'])
  })

  it('a second time changes nothing', () => {
    put()
    const before = tree()
    assert.deepEqual(new Set(put().map(({ action }) => action)), new Set(['keep']))
    assert.deepEqual(tree(), before)
  })

  it('to other folders takes away what was in the first ones', () => {
    put()
    put({ sbin: '/usr/sbin' })
    assert.deepEqual(readdirSync(join(root, sbin)), [])
    take()
    assert.deepEqual(tree(), {})
  })

  it('with dryRun says the same and does nothing', () => {
    const would = put({ dryRun: true })
    assert.deepEqual(tree(), {})
    assert.deepEqual(put(), would)
  })

  it('refuses what is not ours, all of it named, and changes nothing', () => {
    write(`${sbin}/ipvsadm`, 'the real one')
    write(unit, "somebody's unit")
    const before = tree()
    refused(
      put,
      'SLUICE_INSTALL_FOREIGN',
      /\/usr\/local\/sbin\/ipvsadm, \/etc\/systemd\/system\/ipvsadm.service is there/,
    )
    assert.deepEqual(tree(), before)
  })

  it('with force moves it aside', () => {
    write(`${sbin}/ipvsadm`, 'the real one')
    write(`${sbin}/ipvsadm.before-sluice`, 'older still')
    put({ force: true })
    assert.equal(readFileSync(join(root, sbin, 'ipvsadm.before-sluice.1'), 'utf8'), 'the real one')
    assert.equal(readFileSync(join(root, sbin, 'ipvsadm.before-sluice'), 'utf8'), 'older still')
    assert.ok(lstatSync(join(root, sbin, 'ipvsadm')).isSymbolicLink())
  })

  it('moves no folder aside, force or not', () => {
    mkdirSync(join(root, sbin, 'ipvsadm'), { recursive: true })
    refused(() => put({ force: true }), 'SLUICE_INSTALL_FOREIGN', /sbin\/ipvsadm is there/)
  })

  it('leaves a link as it is that starts another unit of that name at boot', () => {
    mkdirSync(join(root, units, 'multi-user.target.wants'), { recursive: true })
    symlinkSync('/usr/lib/systemd/system/ipvsadm.service', join(root, wants))
    const before = tree()
    put()
    assert.equal(readlinkSync(join(root, wants)), '/usr/lib/systemd/system/ipvsadm.service')
    take()
    assert.deepEqual(tree(), before)
  })

  it('that fails halfway takes back what it did', () => {
    write('/etc/systemd', 'a file where a folder should be')
    const before = tree()
    refused(put, 'SLUICE_INSTALL_FAILED', /\/etc\/systemd\/system cannot be changed: ENOTDIR/)
    assert.deepEqual(tree(), before)
  })

  it('needs a root that is there', () => {
    refused(() => put({ root: join(root, 'nowhere') }), 'SLUICE_NO_FILE', /nowhere cannot be read/)
  })
})

describe('uninstall', () => {
  it('leaves nothing behind', () => {
    put()
    take()
    assert.deepEqual(tree(), {})
  })

  it('leaves everything as it was, what was moved aside included', () => {
    write(`${sbin}/ipvsadm`, 'the real one')
    write(`${sbin}/other`, 'of somebody else')
    write(unit, "somebody's unit")
    const before = tree()
    put({ force: true })
    take()
    assert.deepEqual(tree(), before)
  })

  it('brings back what was moved aside by an installation before the last one', () => {
    write(unit, "somebody's unit")
    const before = tree()
    put({ force: true })
    put()
    take()
    assert.deepEqual(tree(), before)
  })

  it('leaves what was changed since, and says so', () => {
    put()
    writeFileSync(join(root, unit), 'edited')
    const actions = take() ?? []
    assert.deepEqual(
      actions.filter(({ action }) => action === 'leave').map(({ path }) => path),
      [unit],
    )
    assert.equal(readFileSync(join(root, unit), 'utf8'), 'edited')
    assert.equal(lstatSync(join(root, sbin, 'ipvsadm'), { throwIfNoEntry: false }), undefined)
  })

  it('with force removes that too', () => {
    put()
    writeFileSync(join(root, unit), 'edited')
    take({ force: true })
    assert.deepEqual(tree(), {})
  })

  it('leaves a folder that others have come to use', () => {
    put()
    write(`${sbin}/other`, 'of somebody else')
    take()
    assert.deepEqual(Object.keys(tree()), ['usr', 'usr/local', 'usr/local/sbin', 'usr/local/sbin/other'])
  })

  it('does not mind what is gone already', () => {
    put()
    rmSync(join(root, sbin, 'ipvsadm'))
    rmSync(join(root, units), { recursive: true })
    take()
    assert.deepEqual(tree(), {})
  })

  it('with dryRun says the same and does nothing', () => {
    put()
    const before = tree()
    const would = take({ dryRun: true })
    assert.deepEqual(tree(), before)
    assert.deepEqual(take(), would)
  })

  it('without an installation says that there is none', () => assert.equal(take(), undefined))

  it('believes no record that is broken or leads out of the root', () => {
    for (const text of ['{', '{}', '{"entries":[{"path":"/../x","kind":"file"}]}', '{"entries":[{"path":"x"}]}']) {
      write('/var/lib/sluice/installed.json', text)
      refused(take, 'SLUICE_INSTALL_RECORD', /installed\.json cannot be read/)
    }
  })
})
