import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SluiceError } from '../errors.js'
import { findRulesFile, readRules, writeRules } from './rules-file.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-rules-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function write(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true })
  writeFileSync(join(root, path), text)
}

const found = () => findRulesFile(root)

describe('the file of rules', () => {
  it('is /etc/sysconfig/ipvsadm where there is a folder for it', () => {
    mkdirSync(join(root, 'etc/sysconfig'), { recursive: true })
    assert.deepEqual(found(), {
      path: join(root, 'etc/sysconfig/ipvsadm'),
      auto: true,
      daemons: [],
      device: 'eth0',
      syncid: '0',
    })
  })

  it("is Debian's /etc/ipvsadm.rules where there is none", () => {
    assert.equal(found().path, join(root, 'etc/ipvsadm.rules'))
    assert.equal(found().auto, true)
  })

  it('is /etc/sysconfig/ipvsadm where both are there', () => {
    write('/etc/ipvsadm.rules', '')
    write('/etc/sysconfig/ipvsadm', '')
    write('/etc/default/ipvsadm', 'AUTO="false"\nDAEMON="master"\n')
    assert.deepEqual([found().path, found().auto, found().daemons], [join(root, 'etc/sysconfig/ipvsadm'), true, []])
  })

  it("heeds Debian's options", () => {
    write(
      '/etc/default/ipvsadm',
      '# ipvsadm\n\nAUTO="false"\nDAEMON="both" # none\nIFACE=\'bond0\'\t\n# SYNCID="9"\nexport SYNCID=7\n',
    )
    assert.deepEqual(found(), {
      path: join(root, 'etc/ipvsadm.rules'),
      auto: false,
      daemons: ['master', 'backup'],
      device: 'bond0',
      syncid: '7',
    })
    mkdirSync(join(root, 'etc/sysconfig'))
    write('/etc/default/ipvsadm', 'AUTO="true"\nDAEMON="none"\n')
    assert.deepEqual([found().auto, found().daemons], [true, []])
    write('/etc/default/ipvsadm', 'AUTO=true\nDAEMON=backup\n')
    assert.deepEqual([found().auto, found().daemons], [true, ['backup']])
  })

  it('is written whole, for root alone, and read again', () => {
    const path = join(root, 'rules')
    assert.equal(readRules(path), undefined)
    writeFileSync(path, 'older, and longer than what comes\n')
    writeRules(path, '-A -f 1\n')
    assert.equal(readFileSync(path, 'utf8'), '-A -f 1\n')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.deepEqual(readRules(path), ['-A -f 1', ''])
  })

  it('is not made where its folder is missing', () => {
    assert.throws(
      () => writeRules(join(root, 'nowhere/rules'), ''),
      (error) => SluiceError.is(error) && error.code === 'SLUICE_NO_WRITE',
    )
  })
})
