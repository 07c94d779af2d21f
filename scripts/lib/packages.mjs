// Debian packages that a purpose needs, found by what they bring, installed only where that is missing.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {{ package: string, why: string, here: () => boolean, service?: string }} Need
 * @typedef {'start' | 'test' | 'bpf' | 'bench'} Purpose
 */

/** A root shell made by `su` often lacks the folders where administration commands are. */
const path = [
  ...new Set([...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']),
].filter(Boolean)
process.env.PATH = path.join(':')

/** @param {string} name */
export const hasCommand = (name) =>
  path.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** True when the dynamic loader's usual folders hold the library. @param {string} file */
const hasLibrary = (file) =>
  ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib'].some(
    (folder) =>
      existsSync(join(folder, file)) ||
      (existsSync(folder) &&
        readdirSync(folder).some((entry) => entry.endsWith('-linux-gnu') && existsSync(join(folder, entry, file)))),
  )

/** @param {string} name @param {string} command @param {string} why @param {string} [service] @returns {Need} */
const command = (name, command, why, service) => ({
  package: name,
  why,
  here: () => hasCommand(command),
  ...(service ? { service } : {}),
})

/** @param {string} name @param {string} file @param {string} why @returns {Need} */
const header = (name, file, why) => ({ package: name, why, here: () => existsSync(file) })

/** nginx's module for TCP. */
export const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so'

const start = [
  command('iproute2', 'ip', 'makes the hosts (network namespaces) and their wires'),
  { package: 'libbpf1', why: 'loads the datapath', here: () => hasLibrary('libbpf.so.1') },
  command('procps', 'sysctl', 'sets kernel parameters'),
  command('curl', 'curl', 'sends the requests'),
  command('nginx', 'nginx', 'is the real servers', 'nginx'),
]

/** @type {Record<Purpose, Need[]>} */
const needs = {
  start,
  test: [
    ...start,
    command('redis-server', 'redis-server', 'is the real servers of the Redis lab', 'redis-server'),
    command('redis-tools', 'redis-cli', 'reads from them'),
    command('tcpdump', 'tcpdump', 'shows frames'),
    command('ethtool', 'ethtool', 'switches checksum offloads off'),
    command('iputils-ping', 'ping', 'pings the virtual service'),
    command('nftables', 'nft', 'filters in tests'),
    command('keepalived', 'keepalived', 'is the other director of VRRP tests', 'keepalived'),
    command('vsftpd', 'vsftpd', 'is the real servers of FTP tests', 'vsftpd'),
  ],
  bpf: [
    command('clang-14', 'clang-14', 'compiles the datapath'),
    command('llvm-14', 'llvm-strip-14', 'strips the object'),
    header('libbpf-dev', '/usr/include/bpf/bpf_helpers.h', 'declares the helpers'),
    header('linux-libc-dev', '/usr/include/linux/bpf.h', "declares the kernel's structures"),
  ],
  bench: [
    ...start,
    command('wrk', 'wrk', 'makes HTTP load'),
    command('iperf3', 'iperf3', 'measures throughput'),
    command('nftables', 'nft', 'is what we compare with'),
    command('haproxy', 'haproxy', 'is what we compare with', 'haproxy'),
    header('libnginx-mod-stream', streamModule, 'is what we compare with'),
    command('ethtool', 'ethtool', 'sets offloads'),
  ],
}

/**
 * What is not here yet, for one or more purposes.
 * @param {...Purpose} purposes
 * @returns {Need[]}
 */
export function missing(...purposes) {
  const found = new Map(purposes.flatMap((purpose) => needs[purpose]).map((need) => [need.package, need]))
  return [...found.values()].filter((need) => !need.here())
}

/** @param {string[]} args */
const apt = (args) =>
  spawnSync('apt-get', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
  })

/**
 * Keeps the services of newly installed packages from starting: Debian's own hook, asked before any start. A hook that is
 * there already is left alone.
 * @param {() => void} work
 */
function withoutServices(work) {
  const hook = '/usr/sbin/policy-rc.d'
  let ours = false
  try {
    writeFileSync(hook, '#!/bin/sh\n# made by Sluice while it installs packages: start no service\nexit 101\n', {
      flag: 'wx',
      mode: 0o755,
    })
    ours = true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  try {
    work()
  } finally {
    if (ours) rmSync(hook, { force: true })
  }
}

/**
 * Installs packages by apt-get; no service of theirs is started, now or at the next boot.
 * @param {Need[]} list
 * @param {(line: string) => void} say
 */
export function install(list, say) {
  if (list.length === 0) return
  const names = list.map((need) => need.package)
  if (!hasCommand('apt-get')) {
    throw new Error(`these are missing, and there is no apt-get to install them: ${names.join(' ')}`)
  }
  if (process.getuid?.() !== 0) throw new Error(`these are missing: run as root: apt-get install ${names.join(' ')}`)
  for (const need of list) say(`installing ${need.package}: ${need.why}`)
  withoutServices(() => {
    const updated = apt(['-o', 'DPkg::Lock::Timeout=300', 'update', '-qq'])
    const got = apt(['-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '-qq', '--no-install-recommends', ...names])
    if (got.status !== 0) {
      const log = `${updated.status === 0 ? '' : updated.stderr}${got.stderr || got.stdout}`.trim()
      throw new Error(`apt-get install ${names.join(' ')} failed:\n${log}`)
    }
  })
  const services = list.flatMap((need) => (need.service ? [need.service] : []))
  if (services.length > 0 && hasCommand('systemctl'))
    spawnSync('systemctl', ['-q', 'disable', ...services], { stdio: 'ignore' })
  const still = list.filter((need) => !need.here())
  if (still.length > 0) throw new Error(`installed, but not found: ${still.map((need) => need.package).join(' ')}`)
}
