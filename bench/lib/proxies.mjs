// Peers that end the client's connection and open one of their own: HAProxy and nginx, as TCP proxies.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { streamModule } from '../../scripts/lib/packages.mjs'
import { atEnd, daemon } from './process.mjs'
import { within } from './topology.mjs'

/** @typedef {import('./topology.mjs').Path} Path */
/** @typedef {{ port: number, servers: readonly string[] }} Service */

/** @param {string} name @param {string} text */
function configuration(name, text) {
  const folder = mkdtempSync(join(tmpdir(), `slbench-${name}-`))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'conf')
  writeFileSync(file, text.replaceAll('FOLDER', folder))
  return { folder, file }
}

/** @param {Path} path @param {readonly Service[]} services */
export function startHaproxy({ director, vip }, services) {
  const { file } = configuration(
    'haproxy',
    `global
  nbthread ${availableParallelism()}
  maxconn 4096
defaults
  mode tcp
  balance roundrobin
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${services
  .map(
    ({ port, servers }) => `listen port${port}
  bind ${vip}:${port} backlog 4096
${servers.map((server, i) => `  server web${i + 1} ${server}:${port}`).join('\n')}
`,
  )
  .join('')}`,
  )
  daemon(within(director, 'haproxy', '-db', '-f', file))
}

/** @param {Path} path @param {readonly Service[]} services */
export function startNginxStream({ director, vip }, services) {
  const { folder, file } = configuration(
    'nginx',
    `load_module ${streamModule};
daemon off;
worker_processes ${availableParallelism()};
pid FOLDER/pid;
error_log stderr crit;
events { worker_connections 8192; }
stream {
${services
  .map(
    ({ port, servers }) => `  upstream port${port} { ${servers.map((server) => `server ${server}:${port};`).join(' ')} }
  server { listen ${vip}:${port} backlog=4096 reuseport; proxy_pass port${port}; }
`,
  )
  .join('')}}
`,
  )
  daemon(within(director, 'nginx', '-p', folder, '-e', 'stderr', '-c', file))
}
