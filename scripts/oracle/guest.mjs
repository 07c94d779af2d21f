// The part of `npm run test:oracle` that runs inside the virtual machine, in the checkout's folder.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'

/** @param {string} program @param {string[]} args */
const run = (program, args) => spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** @param {string[]} args */
const show = (...args) => shown({}, ...args)

/** @param {Record<string, string>} env @param {string[]} args */
const shown = (env, ...args) =>
  spawnSync(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } })
    .status === 0

/** The datapath loads, attaches itself to a namespace's devices with the first service, and the table reads back. */
function load() {
  const script = `set -e
    ip netns add oracle
    ip -n oracle link set lo up
    ip -n oracle link add eth0 type veth peer name eth1
    ip -n oracle link set eth0 up
    ip -n oracle link set eth1 up
    ip -n oracle addr add 192.168.188.8/24 dev eth0
    within() { ip netns exec oracle "$@"; }
    within bin/ipvsadm -A -t 192.168.188.8:80 -s wrr
    within bin/ipvsadm -a -t 192.168.188.8:80 -r 192.168.188.81:80 -m -w 2
    within bin/ipvsadm -a -t 192.168.188.8:80 -r 192.168.188.82:80 -g
    within bin/ipvsadm -Ln
    within bin/sluice attach --mode xdp eth0
    within bin/sluice status`
  const got = run('bash', ['-c', script])
  console.log(`${got.stdout}${got.stderr}`.trim())
  run('ip', ['netns', 'del', 'oracle'])
  const wanted = [
    'TCP  192.168.188.8:80 wrr',
    /-> 192\.168\.188\.81:80 +Masq +2 /,
    /-> 192\.168\.188\.82:80 +Route +1 /,
    /^eth0 +xdp +\w+ +XDP in the driver, TC beneath/m,
  ]
  return (
    got.status === 0 &&
    wanted.every((part) => (typeof part === 'string' ? got.stdout.includes(part) : part.test(got.stdout)))
  )
}

/** The tests that talk to the kernel. */
function tests() {
  const files = ['kernel', 'datapath', 'ipvs', 'realserver'].flatMap((folder) =>
    readdirSync(join('dist', folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  return show('--test', '--test-concurrency=1', '--test-reporter=spec', ...files)
}

/** @param {string} kind @param {string} share */
const replay = (kind, share) =>
  shown(
    { GOLDEN_SHARE: share },
    `test/golden/${kind}.mjs`,
    'compare',
    `test/golden/${kind}.json`,
    join(process.cwd(), 'bin/ipvsadm'),
  )

/** Kernel IPVS beside us, for the parts that ask it. @param {string} schedulers @param {...string} more */
function besideIpvs(schedulers, ...more) {
  const modules = schedulers.split(' ').map((name) => `ip_vs_${name}`)
  const got = run('modprobe', ['-a', 'bridge', 'ip_vs', ...modules, ...more])
  if (got.status !== 0) console.log(got.stderr)
  return got.status === 0
}

/** @param {string} share */
function sync(share) {
  return besideIpvs('rr') && shown({ SYNC_SHARE: share }, '--test', '--test-reporter=spec', 'test/oracle/sync.mjs')
}

/** Random sequences on both. */
function random() {
  const schedulers = 'rr wrr lc wlc sed nq sh dh mh lblc lblcr fo ovf'
  return (
    besideIpvs(schedulers, 'ipip', 'fou', 'ip_gre', 'sctp', 'nf_tables') &&
    show('test/ipvs-vm/random/main.mjs', ...options)
  )
}

const words = process.argv.slice(2)
const options = words.slice(words.findIndex((word) => word.startsWith('--')) >>> 0)

/** @type {Record<string, (share: string) => boolean>} */
const parts = {
  load,
  tests,
  commands: (share) => replay('commands', share),
  traffic: (share) => replay('traffic', share),
  sync,
  random,
}

console.log(`oracle: kernel ${release()}`)
const results = words.slice(0, words.length - options.length).map((name) => {
  console.log(`oracle: ${name}`)
  const started = Date.now()
  const [part = '', share = '1/1'] = name.split('=')
  const passed = parts[part]?.(share) ?? false
  return { name, line: `${passed ? 'passed' : 'FAILED'} (${Math.round((Date.now() - started) / 1000)} s)`, passed }
})
for (const { name, line } of results) console.log(`oracle: ${name} ${line}`)
process.exitCode = results.every((result) => result.passed) ? 0 : 1
