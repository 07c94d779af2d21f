#!/usr/bin/env node
// Asks the real ipvsadm and kernel IPVS the questions of questions.mjs, in the virtual machine of test/ipvs-vm, and
// writes what they said to answers.json. Run it from anywhere: node src/ipvsadm/testdata/record.mjs
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { questions } from './questions.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')

/** The words of a line: blanks separate, quotes hold together. */
const words = (line) => (line.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replace(/'([^']*)'/g, '$1'))
const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`
const octal = (text) => [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')

const cases = Object.entries(questions).map(([name, steps]) => ({
  name,
  steps: steps.map((step) => {
    const { line, tool, stdin } = typeof step === 'string' ? { line: step } : step
    return { ...(tool ? { tool } : {}), argv: words(line), ...(stdin === undefined ? {} : { stdin }) }
  }),
}))

// One bash script for all: a process a step and nothing else, because the machine is slow.
const script = [
  'export LC_ALL=C; cd /tmp; exec 2>/dev/null',
  'ip link add eth0 type veth peer name eth9; ip link set eth0 up; ip link set eth9 up',
  'ip addr add 192.168.188.8/24 dev eth0; ip -6 addr add fd00:188::8/64 dev eth0 nodad',
]
let count = 0
for (const { steps } of cases) {
  script.push('ipvsadm -C; ipvsadm --set 900 120 300; ipvsadm --stop-daemon master; ipvsadm --stop-daemon backup')
  for (const { tool = 'ipvsadm', argv, stdin } of steps) {
    if (stdin !== undefined) script.push(`printf '${octal(stdin)}' >in`)
    const input = stdin === undefined ? '/dev/null' : 'in'
    script.push(`${[tool, ...argv.map(quote)].join(' ')} <${input} >${count}.o 2>${count}.e; echo $? >${count}.s`)
    count += 1
  }
}
script.push(
  `for ((i = 0; i < ${count}; i++)); do for f in s o e; do printf '\\036'; cat $i.$f; done; done; printf '\\036'`,
)

mkdirSync(join(root, 'dist'), { recursive: true })
const file = join(root, `dist/ipvsadm-questions.${process.pid}.sh`)
writeFileSync(file, `${script.join('\n')}\n`)
const run = spawnSync(join(root, 'test/ipvs-vm/run'), [`bash ${file}`], {
  encoding: 'utf8',
  maxBuffer: 1 << 28,
  env: { IPVS_VM_TIMEOUT: '1800', ...process.env },
})
rmSync(file)
const parts = run.stdout.split('\x1e').slice(1)
if (parts.length !== 3 * count + 1) {
  console.error(`the machine answered ${(parts.length - 1) / 3} of ${count} questions\n${run.stderr}`)
  process.exit(1)
}

let next = 0
for (const { steps } of cases) {
  for (const step of steps) {
    const [status, stdout, stderr] = parts.slice(next, (next += 3))
    Object.assign(step, { status: Number(status) }, stdout === '' ? {} : { stdout }, stderr === '' ? {} : { stderr })
  }
}
const text = cases.map(
  ({ name, steps }) =>
    `{"name":${JSON.stringify(name)},"steps":[\n${steps.map((step) => JSON.stringify(step)).join(',\n')}\n]}`,
)
writeFileSync(join(here, 'answers.json'), `[\n${text.join(',\n')}\n]\n`)
console.log(`${count} answers to ${cases.length} cases`)
