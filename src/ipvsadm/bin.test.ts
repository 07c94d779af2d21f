// The commands as they stand in bin/, started as a shell would.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../../bin/', import.meta.url))

describe('the commands in bin/', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-bin-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const run = (file: string, ...words: string[]) => spawnSync(file, words, { encoding: 'utf8' })

  it('work through a link, as in /usr/sbin', () => {
    const link = join(folder, 'any-name')
    symlinkSync(join(bin, 'ipvsadm'), link)
    const { status, stdout, stderr } = run(link, '--version')
    assert.deepEqual(
      [status, stdout, stderr],
      [0, 'ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n', ''],
    )
  })

  it('know themselves by what they are, not by the name of a link', () => {
    const link = join(folder, 'ipvsadm')
    symlinkSync(join(bin, 'ipvsadm-save'), link)
    const { status, stderr } = run(link, '--help')
    assert.equal(status, 1)
    assert.match(stderr, /^ipvsadm-save: Script to save the IPVS table to stdout\.\n/)
  })

  for (const program of ['ipvsadm', 'ipvsadm-save', 'ipvsadm-restore'])
    it(`${program} says in one line that it is not built`, () => {
      const copy = join(folder, 'unbuilt', 'bin')
      mkdirSync(copy, { recursive: true })
      writeFileSync(join(folder, 'unbuilt', 'package.json'), '{ "type": "module" }')
      for (const file of [program, 'package.json']) copyFileSync(join(bin, file), join(copy, file))
      const { status, stdout, stderr } = run(join(copy, program), '-h')
      assert.deepEqual([status, stdout, stderr], [2, '', `${program}: not built yet; run: npm run build\n`])
    })

  it('end quietly, with the status of a broken pipe, when nobody reads', () => {
    const script = 'exec 4> >(true); wait $!; "$0" -h >&4; echo $?'
    const { stdout, stderr } = spawnSync('bash', ['-c', script, join(bin, 'ipvsadm')], { encoding: 'utf8' })
    assert.deepEqual([stdout, stderr], ['141\n', ''])
  })
})
