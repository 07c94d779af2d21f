import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import type { Daemon, Host } from './host.js'

/**
 * nginx on port 80, or those given, with everything of its own in the host's home: `index.html` says the host's name,
 * `access_log` is the notes' access log, and a PUT below `/upload/` is kept in `www/upload/`. Port 81 is the same for who
 * speaks the PROXY protocol, with a log of its own that names whom it told of.
 */
export async function nginx(host: Host, ports: readonly number[] = [80]): Promise<Daemon> {
  for (const folder of ['www/upload', 'tmp']) mkdirSync(host.path(folder), { recursive: true })
  writeFileSync(host.path('www/index.html'), `${host.name}\n`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    host.path('nginx.conf'),
    `user root;
worker_processes 1;
pid ${host.path('nginx.pid')};
error_log stderr;
events { worker_connections 4096; }
http {
  access_log ${host.path('access_log')};
  default_type text/plain;
  keepalive_requests 1000000;
  client_max_body_size 0;
${temporary.map((name) => `  ${name}_temp_path ${host.path('tmp', name)};`).join('\n')}
  server {
${ports.map((port) => `    listen ${port};\n    listen [::]:${port};`).join('\n')}
    root ${host.path('www')};
    location /upload/ { dav_methods PUT; }
  }
  log_format proxy '$proxy_protocol_addr by $remote_addr "$request" $status';
  server {
    listen 81 proxy_protocol;
    access_log ${host.path('proxy_log')} proxy;
    root ${host.path('www')};
    location /upload/ { dav_methods PUT; }
  }
}
`,
  )
  rmSync(host.path('nginx.pid'), { force: true }) // of one that was killed
  const daemon = await host.start('nginx', 'nginx', '-p', host.home, '-c', host.path('nginx.conf'), '-g', 'daemon off;')
  await daemon.until(() => existsSync(host.path('nginx.pid'))) // written when it listens
  return daemon
}

/** redis-server on every address of the host (the notes' `bind 0.0.0.0`), which saves nothing. */
export async function redis(host: Host): Promise<Daemon> {
  mkdirSync(host.path('redis'), { recursive: true })
  const settings = [
    '--port',
    '6379',
    '--bind',
    '0.0.0.0',
    '--protected-mode',
    'no',
    '--save',
    '',
    '--dir',
    host.path('redis'),
  ]
  const daemon = await host.start('redis-server', 'redis-server', ...settings)
  await daemon.until(async () => (await host.exec('redis-cli', 'ping')).output.trim() === 'PONG')
  return daemon
}
