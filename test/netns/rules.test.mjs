// What ipvsadm.service does: the table in a file at its stop, and out of the file at its start.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

/** Runs `sluice rules` where `/etc` holds these files alone. */
function atBoot(files, ...words) {
  const etc = mkdtempSync(join(folder, 'etc-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(etc, name, '..'), { recursive: true })
    writeFileSync(join(etc, name), text)
  }
  const command = 'unset NODE_EXTRA_CA_CERTS; mount --bind "$1" /etc && shift && exec "$@"'
  const sluice = [process.execPath, bin('sluice'), 'rules', ...words]
  const { status, stdout, stderr } = host.try('unshare', '--mount', 'sh', '-c', command, 'sh', etc, ...sluice)
  assert.equal(stderr, '')
  return { status, stdout, read: (name) => readFileSync(join(etc, name), 'utf8') }
}

test('the unit loads /etc/sysconfig/ipvsadm, and saves it there and empties the table', () => {
  const file = '/etc/sysconfig/ipvsadm'
  const started = atBoot({ 'sysconfig/ipvsadm': rules, 'ipvsadm.rules': '-A -t 10.9.9.9:9\n' }, 'load')
  assert.deepEqual([started.status, started.stdout], [0, `loaded ${file}: 3 rules\n`])
  assert.equal(ipvsadm('-S', '-n', '--thresholds'), rules)
  const stopped = atBoot({ 'sysconfig/ipvsadm': 'older\n' }, 'save', '--clear')
  assert.deepEqual([stopped.status, stopped.stdout], [0, `saved ${file}: 3 rules\n`])
  assert.equal(stopped.read('sysconfig/ipvsadm'), rules)
  assert.equal(ipvsadm('-S', '-n'), '')
})

test("it heeds Debian's AUTO: what is not loaded is not saved, and not thrown away", () => {
  const line = '-A -t 10.0.0.5:80 -s rr\n'
  const off = { 'default/ipvsadm': 'AUTO="false"\nDAEMON="none"\n', 'ipvsadm.rules': '# ipvsadm.rules\n' }
  ipvsadm(...line.trim().split(' '))
  assert.equal(atBoot(off, 'load').stdout, 'AUTO is not true in /etc/default/ipvsadm: no rules are loaded\n')
  assert.equal(ipvsadm('-S', '-n'), line)
  const stopped = atBoot(off, 'save', '--clear')
  assert.equal(stopped.stdout, 'AUTO is not true in /etc/default/ipvsadm: no rules are saved\n')
  assert.equal(stopped.read('ipvsadm.rules'), '# ipvsadm.rules\n')
  assert.equal(ipvsadm('-S', '-n'), line)
  const saved = atBoot({ ...off, 'default/ipvsadm': 'AUTO="true"\n' }, 'save', '--clear')
  assert.equal(saved.read('ipvsadm.rules'), line)
  assert.equal(ipvsadm('-S', '-n'), '')
})

test('a system without rules starts and stops all the same', () => {
  const started = atBoot({}, 'load')
  assert.deepEqual([started.status, started.stdout], [0, 'there are no rules in /etc/ipvsadm.rules\n'])
})

test('rules of marks are saved and loaded with the others, as comments', () => {
  const file = join(folder, 'marks')
  ipvsadm('-C')
  ipvsadm('-A', '-t', '10.0.0.4:80', '-s', 'rr')
  const words = ['7 --protocol tcp --to 10.0.0.1 --dport 80-81', '0 --ipv6 --dev lo']
  for (const line of words) assert.equal(sluice('mark', 'add', ...line.split(' ')).status, 0)
  assert.equal(sluice('rules', 'save', '--clear', file).stdout, `saved ${file}: 1 rule, 2 of marks\n`)
  assert.equal(
    readFileSync(file, 'utf8'),
    `${words.map((line) => `# sluice mark add ${line}\n`).join('')}-A -t 10.0.0.4:80 -s rr\n`,
  )
  assert.equal(sluice('mark', 'list').stdout, 'no rules of marks\n')
  assert.equal(sluice('rules', 'load', file).stdout, `loaded ${file}: 1 rule, 2 of marks\n`)
  assert.deepEqual(JSON.parse(sluice('mark', 'list', '--json').stdout), [
    { mark: 7, protocol: 'tcp', destination: '10.0.0.1', destinationPorts: [80, 81] },
    { mark: 0, family: 'inet6', device: 'lo' },
  ])
})

test('rules of marks by the command: in order, by number, by their words', () => {
  sluice('mark', 'flush')
  for (const [mark, ...more] of [['1'], ['2'], ['0x3', '--at', '1'], ['4', '--from', '10.0.0.0/8']])
    assert.equal(sluice('mark', 'add', mark, ...more).status, 0)
  const marks = () => JSON.parse(sluice('mark', 'list', '--json').stdout).map(({ mark }) => mark)
  assert.deepEqual(marks(), [3, 1, 2, 4])
  sluice('mark', 'del', '--at', '2')
  sluice('mark', 'del', '4', '--from', '10.0.0.0/8')
  assert.deepEqual(marks(), [3, 2])
  assert.deepEqual(sluice('mark', 'del', '9'), {
    status: 1,
    stdout: '',
    stderr: 'sluice: SLUICE_NO_MARK: there is no such rule of marks: 9; sluice mark list shows the rules\n',
  })
  assert.equal(sluice('mark', 'add', 'x').status, 2)
  assert.equal(sluice('mark', 'add', '1', '--from', '10.0.0.1/8').status, 1)
  assert.deepEqual(marks(), [3, 2])
})
