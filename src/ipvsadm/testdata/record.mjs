#!/usr/bin/env node
// Asks the real ipvsadm and kernel IPVS the questions of questions.mjs, in the virtual machine of test/ipvs-vm, and
// writes what they said to answers.jsonl. Only new questions are asked; with --all, all of them.
//   [IPVS_VM=COMMAND-THAT-STARTS-IT] node src/ipvsadm/testdata/record.mjs
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { questions } from './questions.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const file = join(here, 'answers.jsonl')

/** The words of a line: blanks separate, quotes hold together. */
const words = (line) => (line.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replace(/'([^']*)'/g, '$1'))
const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`
const octal = (text) => [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')

const cases = Object.entries(questions).map(([name, steps]) => ({
  name,
  steps: steps.map((step) => {
    const { line, tool, stdin, fake } = typeof step === 'string' ? { line: step } : step
    return {
      ...(tool ? { tool } : {}),
      argv: words(line),
      ...(stdin === undefined ? {} : { stdin }),
      ...(fake ? { fake } : {}),
    }
  }),
}))

// One bash script for many: a process a step and little else, because the machine is slow.
const setUp = [
  'export LC_ALL=C; cd /tmp; exec 2>/dev/null',
  'ip link add eth0 type veth peer name eth9; ip link set eth0 up; ip link set eth9 up',
  'ip addr add 192.168.188.8/24 dev eth0; ip -6 addr add fd00:188::8/64 dev eth0 nodad',
]

/** What undoes what a step may have done, where it may have done anything. */
const undo = [
  [/^-.*[ART]|add-service|restore/, 'ipvsadm -C'],
  [/--set/, 'ipvsadm --set 900 120 300'],
  [/start-daemon/, 'ipvsadm --stop-daemon master; ipvsadm --stop-daemon backup'],
]

/** What puts fake.c before ipvsadm. */
function preload(fake) {
  if (!fake) return []
  const { counters, name, connections } = fake
  return [
    ...(counters ? [`FAKE_COUNTERS=${counters}`] : []),
    ...(name ? [`FAKE_NAME=${quote(name)}`] : []),
    ...(connections ? ['FAKE_CONNECTIONS=connections'] : []),
    `LD_PRELOAD=${library}`,
  ]
}

function scriptOf(steps) {
  return steps.map(({ tool = 'ipvsadm', argv, stdin, fake }) => {
    const give =
      (stdin === undefined ? '' : `printf '${octal(stdin)}' >in; `) +
      (fake?.connections ? `printf '${octal(fake.connections)}' >connections; ` : '')
    const input = stdin === undefined ? '/dev/null' : 'in'
    const command = [...preload(fake), tool, ...argv.map(quote)].join(' ')
    return `${give}${command} <${input} >o 2>e; printf '\\036%s\\037' $?; cat o; printf '\\037'; cat e`
  })
}

function undoOf(steps) {
  const all = steps.map(({ tool = '', argv, stdin = '' }) => `${tool}${argv.join(' ')} ${stdin}`)
  return undo.filter(([what]) => all.some((line) => what.test(line))).map(([, how]) => `{ ${how}; } >o 2>&1`)
}

const library = join(root, `dist/ipvsadm-fake.${process.pid}.so`)

/** Boots the machine for some cases and fills their steps in. */
function ask(some) {
  const script = [...setUp, ...some.flatMap(({ steps }) => [...scriptOf(steps), ...undoOf(steps)])]
  const scriptFile = join(root, `dist/ipvsadm-questions.${process.pid}.sh`)
  writeFileSync(scriptFile, `${script.join('\n')}\nprintf '\\036'`)
  const run = spawnSync(process.env.IPVS_VM ?? join(root, 'test/ipvs-vm/run'), [`bash ${scriptFile}`], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { IPVS_VM_TIMEOUT: '900', ...process.env },
  })
  rmSync(scriptFile)
  const answers = run.stdout.split('\x1e').slice(1, -1)
  const steps = some.flatMap((one) => one.steps)
  if (answers.length !== steps.length) throw new Error(`${answers.length} of ${steps.length} answers\n${run.stderr}`)
  for (const [i, step] of steps.entries()) {
    const [status, stdout, stderr] = answers[i].split('\x1f')
    Object.assign(step, { status: Number(status) }, stdout === '' ? {} : { stdout }, stderr === '' ? {} : { stderr })
  }
}

mkdirSync(join(root, 'dist'), { recursive: true })
execFileSync('cc', ['-shared', '-fPIC', '-o', library, join(here, 'fake.c')])
const known =
  existsSync(file) && !process.argv.includes('--all')
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : []
const asked = ({ name, steps }) =>
  JSON.stringify([name, steps.map(({ tool, argv, stdin, fake }) => [tool, argv, stdin, fake])])
const answered = new Map(known.map((one) => [asked(one), one]))
const all = cases.map((one) => answered.get(asked(one)) ?? one)
const open = all.filter(({ steps }) => steps.some(({ status }) => status === undefined))
while (open.length > 0) {
  const some = []
  for (let count = 0; open.length > 0 && count < 400; count += some.at(-1).steps.length) some.push(open.shift())
  ask(some)
  write(all.filter(({ steps }) => steps.every(({ status }) => status !== undefined)))
  console.log(`${open.length} cases to go`)
}
write(all)
rmSync(library)

/** A case a line. */
function write(done) {
  writeFileSync(file, done.map((one) => `${JSON.stringify(one)}\n`).join(''))
}
