// What ipvsadm.service does: the table in a file at its stop, and out of the file at its start.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Namespace } from '../lib/netns.mjs'

const bin = (name) => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))

/** @type {Namespace} */
let host
/** @type {string} */
let folder
before(() => {
  host = new Namespace('rules')
  folder = mkdtempSync(join(tmpdir(), 'sluice-rules-'))
})
after(() => {
  host?.remove()
  rmSync(folder, { recursive: true })
})

const ipvsadm = (...words) => host.run(process.execPath, bin('ipvsadm'), ...words)

const sluice = (...words) => {
  const { status, stdout, stderr } = host.try(process.execPath, bin('sluice'), ...words)
  return { status, stdout, stderr }
}

const rules = `-A -t 10.0.0.1:80 -s wrr
-a -t 10.0.0.1:80 -r 10.0.0.2:8080 -m -w 3 -x 9 -y 2
-A -u 10.0.0.1:53 -s rr
`

test('the table is saved with its thresholds, and the same after it was loaded', () => {
  const file = join(folder, 'saved')
  for (const line of rules.trim().split('\n')) ipvsadm(...line.split(' '))
  assert.deepEqual(sluice('rules', 'save', '--clear', file), {
    status: 0,
    stdout: `saved ${file}: 3 rules\n`,
    stderr: '',
  })
  assert.equal(readFileSync(file, 'utf8'), rules)
  assert.equal(ipvsadm('-S', '-n'), '')
  assert.deepEqual(sluice('rules', 'load', file), { status: 0, stdout: `loaded ${file}: 3 rules\n`, stderr: '' })
  assert.equal(ipvsadm('-S', '-n', '--thresholds'), rules)
})

test('save leaves the table as it is unless it is to be cleared', () => {
  sluice('rules', 'save', join(folder, 'kept'))
  assert.equal(ipvsadm('-S', '-n', '--thresholds'), rules)
})

test('a rule that is refused is told, the others are loaded, and the status is 1', () => {
  const file = join(folder, 'partly')
  writeFileSync(file, '# comment\n-A -t 10.0.0.3:80 -s nosuch\n\n-A -t 10.0.0.4:80 -s rr\n')
  assert.deepEqual(sluice('rules', 'load', file), {
    status: 1,
    stdout: `loaded ${file}: 2 rules, 1 refused\n`,
    stderr: 'Scheduler or persistence engine not found\n',
  })
  assert.equal(ipvsadm('-S', '-n'), '-A -t 10.0.0.4:80 -s rr\n')
})

test('a file that is not there is an error where it was named, and the table stays', () => {
  const file = join(folder, 'nowhere')
  assert.deepEqual(sluice('rules', 'load', file), { status: 1, stdout: `there are no rules in ${file}\n`, stderr: '' })
  assert.equal(ipvsadm('-S', '-n'), '-A -t 10.0.0.4:80 -s rr\n')
})
