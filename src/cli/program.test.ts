import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../../bin/sluice', import.meta.url))

function sluice(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

const commands = [
  [],
  ['attach'],
  ['detach'],
  ['status'],
  ['sysctl'],
  ['lab'],
  ['lab', 'list'],
  ['lab', 'up'],
  ['lab', 'down'],
  ['lab', 'run'],
  ['lab', 'enter'],
  ['realserver'],
  ['realserver', 'start'],
  ['realserver', 'stop'],
  ['realserver', 'status'],
  ['director'],
  ['director', 'start'],
  ['director', 'stop'],
  ['rules'],
  ['rules', 'load'],
  ['rules', 'save'],
  ['install'],
  ['uninstall'],
]

describe('sluice', () => {
  for (const command of commands) {
    test(`${['sluice', ...command].join(' ')} --help explains it`, () => {
      const { status, stdout, stderr } = sluice(...command, '--help')
      assert.equal(status, 0)
      assert.match(stdout, new RegExp(`^Usage: ${['sluice', ...command].join(' ')} `))
      assert.equal(stderr, '')
    })
  }

  const wrong = {
    'an unknown command': ['balance'],
    'an unknown option': ['lab', 'list', '--colour'],
    'an unknown lab': ['lab', 'run', 'moon'],
    'a missing argument': ['realserver', 'start'],
    'a missing option': ['director', 'start', '10.0.0.1:80'],
    'an address without a port': ['director', 'start', '10.0.0.1', '-r', '10.0.0.2'],
    'a port out of range': ['director', 'start', '10.0.0.1:65536', '-r', '10.0.0.2'],
    'two forwarding methods': ['director', 'start', '10.0.0.1:80', '-r', '10.0.0.2', '-g', '-m'],
    'a weight out of range': ['director', 'start', '10.0.0.1:80', '-r', '10.0.0.2', '-w', '65536'],
    'a mode that is none': ['attach', '--mode', 'fast'],
    'flush together with devices': ['detach', '--flush', 'lo'],
    'sysctl -w without a value': ['sysctl', '-w', 'drop_entry'],
    'a folder of commands below nothing': ['install', '--sbin', 'sbin'],
    'a prefix that is no name': ['lab', 'up', 'nat', '--prefix', '../x'],
  }
  for (const [what, args] of Object.entries(wrong)) {
    test(`${what} is wrong usage: status 2, one line and where to read on`, () => {
      const { status, stdout, stderr } = sluice(...args)
      assert.equal(status, 2)
      assert.equal(stdout, '')
      assert.match(stderr, /^error: .+\n\(see: sluice.* --help\)\n$/)
    })
  }

  test('a bare sluice, or a bare group of commands, prints its help and is wrong usage', () => {
    for (const args of [[], ['lab'], ['realserver'], ['director']]) {
      const { status, stderr } = sluice(...args)
      assert.equal(status, 2)
      assert.match(stderr, /^Usage: sluice/)
    }
  })

  test('lab list --json names every lab, those of the notes first', () => {
    const labs = JSON.parse(sluice('lab', 'list', '--json').stdout) as { name: string; instances: unknown[] }[]
    assert.deepEqual(
      labs.map(({ name }) => name),
      ['nat', 'redis', 'dr', 'dr-multi', 'tun', 'fullnat', 'persistence', 'nat6', 'ha'],
    )
  })

  test('lab down of a lab that is not up succeeds and says so', () => {
    const { status, stdout } = sluice('lab', 'down', 'nat', '--prefix', `t${process.pid}`)
    assert.deepEqual({ status, stdout }, { status: 0, stdout: `The lab t${process.pid} is not up\n` })
  })

  test('lab enter of a lab that is not up fails in one line that says what to do', () => {
    const prefix = `t${process.pid}`
    const { status, stderr } = sluice('lab', 'enter', '--prefix', prefix, 'nat', 'lvs', 'ipvsadm', '--version')
    assert.equal(status, 1)
    assert.equal(
      stderr,
      `sluice: SLUICE_LAB_DOWN: lab ${prefix} is not up; run: sluice lab up nat --prefix ${prefix}\n`,
    )
  })

  test('a reader that has seen enough is no failure', () => {
    const { status, stderr } = spawnSync('sh', ['-c', `${process.execPath} ${launcher} lab list --json | true`], {
      encoding: 'utf8',
    })
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  })
})
