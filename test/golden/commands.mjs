#!/usr/bin/env node
// Replays ipvsadm command cases and records, or compares, what came out. See README.md beside this file.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { casesAsked } from './cases.mjs'
import { report } from './report.mjs'

const [mode, file, ...tool] = process.argv.slice(2)
if (!['record', 'compare'].includes(mode) || !file) {
  console.error('usage: commands.mjs record|compare CASES.json [COMMAND THAT RUNS IPVSADM, default: ipvsadm]')
  process.exit(2)
}
const program = tool.length > 0 ? tool : ['ipvsadm']
const cases = casesAsked(file)
const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`

/** The commands run in a network namespace of their own: 192.168.188.8/24 and fd00:188::8/64 on eth0. */
const ns = `${process.env.GOLDEN_PREFIX ?? 'g'}-adm`
function up() {
  spawnSync('ip', ['netns', 'del', ns])
  const got = spawnSync(
    'bash',
    [
      '-ec',
      `ip netns add ${ns}; ip -n ${ns} link set lo up; ip -n ${ns} link add eth0 type veth peer name eth9
    ip -n ${ns} link set eth0 up; ip -n ${ns} link set eth9 up; ip -n ${ns} addr add 192.168.188.8/24 dev eth0; ip -n ${ns} -6 addr add fd00:188::8/64 dev eth0 nodad`,
    ],
    { encoding: 'utf8' },
  )
  if (got.status !== 0) throw new Error(got.stderr)
}

/** Runs one line; the words `ipvsadm`, `ipvsadm-save` and `ipvsadm-restore` that open a command stand for the tool. */
function run(line) {
  const shims = `ipvsadm() { command ${program.map(quote).join(' ')} "$@"; }; `
  const got = spawnSync('ip', ['netns', 'exec', ns, 'bash', '-c', shims + line], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, LC_ALL: 'C', TERM: 'dumb' },
  })
  return { line, status: got.status, stdout: got.stdout, stderr: got.stderr }
}

const strip = (text) => text.replace(/size=\d+/, 'size=N')
up()
const results = []
const out = []
for (const one of cases) {
  run('ipvsadm -C')
  run('ipvsadm --set 900 120 300')
  const steps = one.steps.map((step) => run(typeof step === 'string' ? step : step.line))
  out.push({ name: one.name, steps })
  if (mode === 'record') continue
  const bad = steps.findIndex((got, i) => {
    const want = one.steps[i]
    return (
      got.status !== want.status || strip(got.stdout) !== strip(want.stdout) || strip(got.stderr) !== strip(want.stderr)
    )
  })
  if (bad < 0) {
    results.push({ name: one.name, passed: true, detail: '' })
    continue
  }
  const [want, got] = [one.steps[bad], steps[bad]]
  const differences = ['status', 'stdout', 'stderr']
    .filter((key) => strip(String(want[key])) !== strip(String(got[key])))
    .map((key) => `${key} wanted:\n${want[key]}\n${key} got:\n${got[key]}`)
  results.push({ name: one.name, passed: false, detail: `$ ${want.line}\n${differences.join('\n')}` })
}
run('ipvsadm -C')
spawnSync('ip', ['netns', 'del', ns])
if (mode === 'record') writeFileSync(file, `${JSON.stringify(out, null, 1)}\n`)
else process.exitCode = report('commands', results)
