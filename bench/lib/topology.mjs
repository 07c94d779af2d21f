// client — director — two real servers, each a network namespace, each wire a veth pair. There is one director a datapath,
// alike in all but what it forwards with, so that measurements can alternate without setting anything up between them:
//
//   client 198.18.N.2 ─── 198.18.N.1 (VIP) director N 198.19.2N.1 ─── 198.19.2N.2 web1
//                                                     198.19.2N+1.1 ─ 198.19.2N+1.2 web2
//
// The addresses are those set aside for benchmarks (RFC 2544, appendix C.2.2).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd, daemon, run, sleep } from './process.mjs'

/** Namespaces carry the process's number: two runs do not meet, and what a killed run left can be told. */
const prefix = 'slbench'

/** @param {string} host */
const nameOf = (host) => `${prefix}-${process.pid}-${host}`

/**
 * A command inside a host. Not by `ip netns exec`: that gives each command a /sys, and so a BPF file system, of its own.
 * @param {string} host @param {...string} argv
 */
export const within = (host, ...argv) => ['nsenter', `--net=/run/netns/${nameOf(host)}`, '--', ...argv]

/**
 * @typedef {object} Path one director and its addresses
 * @property {string} director host name
 * @property {string} vip
 * @property {string[]} servers addresses of web1 and web2 behind this director
 */

const servers = ['web1', 'web2']

/**
 * Where each server runs, and a load generator beside it. Left alone the scheduler moves them, and a measurement is fast or slow
 * by that: by more than any datapath makes.
 */
export const cores = servers.map((_, i) => i % availableParallelism())

/** Removes what an earlier run left that was killed. */
export function removeLeftovers() {
  const names = run(['ip', 'netns', 'list'])
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
  for (const name of names) {
    const pid = new RegExp(`^${prefix}-(\\d+)-`).exec(name)?.[1]
    if (pid === undefined) continue
    try {
      process.kill(Number(pid), 0)
    } catch {
      run(['ip', 'netns', 'del', name])
    }
  }
}

/** A host that is alone until it gets a wire. @param {string} host @returns its name */
export function addHost(host) {
  run(['ip', 'netns', 'add', nameOf(host)])
  atEnd(() => run(['ip', 'netns', 'del', nameOf(host)]))
  run(['ip', '-n', nameOf(host), 'link', 'set', 'lo', 'up'])
  return host
}

/**
 * @param {string} left @param {string} leftDevice @param {string} leftAddress
 * @param {string} right @param {string} rightDevice @param {string} rightAddress
 */
function wire(left, leftDevice, leftAddress, right, rightDevice, rightAddress) {
  const ends = [
    { host: nameOf(left), device: leftDevice, address: leftAddress },
    { host: nameOf(right), device: rightDevice, address: rightAddress },
  ]
  // made where it belongs: never among the machine's own devices
  const peer = ['peer', 'name', rightDevice, 'netns', nameOf(right)]
  run(['ip', 'link', 'add', leftDevice, 'netns', nameOf(left), 'type', 'veth', ...peer])
  for (const { host, device, address } of ends) {
    run(['ip', '-n', host, 'addr', 'add', `${address}/24`, 'dev', device])
    run(['ip', '-n', host, 'link', 'set', device, 'up'])
  }
}

/**
 * Builds the hosts and starts nginx and iperf3 on the servers; `cleanUp` removes all of it.
 * @param {string[]} directors host names
 * @returns {Promise<Path[]>} in the same order
 */
export async function build(directors) {
  for (const host of ['client', ...servers, ...directors]) addHost(host)
  const paths = directors.map((director, n) => {
    wire('client', `c${n}`, `198.18.${n}.2`, director, 'out', `198.18.${n}.1`)
    run(within(director, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'))
    const addresses = servers.map((server, s) => {
      const net = `198.19.${2 * n + s}`
      wire(server, `s${n}`, `${net}.2`, director, `in${s}`, `${net}.1`)
      run(['ip', '-n', nameOf(server), 'route', 'add', `198.18.${n}.0/24`, 'via', `${net}.1`])
      run(['ip', '-n', nameOf('client'), 'route', 'add', `${net}.0/24`, 'via', `198.18.${n}.1`])
      return `${net}.2`
    })
    return { director, vip: `198.18.${n}.1`, servers: addresses }
  })
  // what one measurement learned of a destination must not speed up or slow down the next
  for (const host of ['client', ...servers]) run(within(host, 'sysctl', '-qw', 'net.ipv4.tcp_no_metrics_save=1'))
  const home = mkdtempSync(join(tmpdir(), `${prefix}-`))
  atEnd(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  servers.forEach((server, i) => {
    const nginx = ['nginx', '-p', join(home, server), '-e', 'stderr', '-c', nginxConfig(home, server)]
    daemon(within(server, 'taskset', '-c', String(cores[i]), ...nginx))
    daemon(within(server, 'iperf3', '-s'))
  })
  const urls = paths.flatMap((path) => path.servers.map((address) => `http://${address}/`))
  for (const url of urls) await fetchUntil(url)
  return paths
}

/** @param {string} home @param {string} server */
function nginxConfig(home, server) {
  const folder = join(home, server)
  mkdirSync(folder)
  const file = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    file,
    `daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off;
  keepalive_requests 1000000000;
${temporary.map((name) => `  ${name}_temp_path ${folder}/${name};`).join('\n')}
  server {
    listen 80 backlog=4096;
    location / { return 200 "${server}\\n"; }
  }
}
`,
  )
  return file
}

/** @param {string} url @returns {string} */
const fetchOnce = (url) => run(within('client', 'curl', '-sS', '--max-time', '2', url))

/** What answers, as soon as something does. @param {string} url */
export async function fetchUntil(url) {
  for (let tries = 50; ; tries--) {
    try {
      return fetchOnce(url)
    } catch (error) {
      if (tries === 0) throw error
      await sleep(100)
    }
  }
}

/**
 * The servers that answer at these addresses: a datapath is only measured when both do.
 * @param {string[]} addresses
 */
export function whoAnswers(addresses) {
  const answers = [...addresses, ...addresses, ...addresses, ...addresses].map((a) => fetchOnce(`http://${a}/`).trim())
  return [...new Set(answers)].sort()
}
