// sluiced on a host, nginx on others, and what asks them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './host.mjs'

const bin = (name) => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))

const children = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** A program on a host that runs until it is ended. */
export class Service {
  output = ''

  constructor(host, program, ...args) {
    this.child = spawn('nsenter', [`--net=${host.path}`, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    children.add(this.child)
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (data) => {
        this.output += data
      })
    this.ended = once(this.child, 'exit').then(([status]) => {
      children.delete(this.child)
      return status
    })
  }

  signal(name) {
    this.child.kill(name)
  }

  async end(signal = 'SIGTERM') {
    this.child.kill(signal)
    return this.ended
  }
}

/** sluiced on a host with a configuration of its own, which stands in a file. */
export class Sluiced {
  /** Words before its own. */
  starter = []

  constructor(host, config) {
    this.host = host
    this.folder = mkdtempSync(join(tmpdir(), 'slt-sluiced-'))
    process.on('exit', () => rmSync(this.folder, { recursive: true, force: true }))
    this.file = join(this.folder, 'sluice.yaml')
    this.configure(config)
  }

  configure(config) {
    writeFileSync(this.file, typeof config === 'string' ? config : JSON.stringify(config))
  }

  /** Starts it, and waits until it takes orders. */
  async start() {
    const { host, file } = this
    this.service = new Service(
      host,
      ...this.starter,
      process.execPath,
      bin('sluiced'),
      '--foreground',
      '--config',
      file,
    )
    let over
    void this.service.ended.then((status) => {
      over = status
    })
    await until(`sluiced answers\n${this.output}`, () => {
      if (over !== undefined) throw new Error(`sluiced ended with ${over}: ${this.output}`)
      return this.command('health', '--json').status === 0
    })
    return this
  }

  get output() {
    return this.service?.output ?? ''
  }

  /** A `sluice` command on the host. */
  command(...words) {
    return this.host.try(process.execPath, bin('sluice'), ...words)
  }

  health() {
    const { status, stdout, stderr } = this.command('health', '--json')
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout)
  }

  server(service, address) {
    const found = this.health().services.find(({ name }) => name === service)
    return found?.servers.find(({ server }) => server.startsWith(address))
  }

  logged(pattern) {
    return until(`the log says ${pattern}:\n${this.output}`, () => pattern.exec(this.output)).catch((error) => {
      throw new Error(`${error.message}\n${this.output}`)
    })
  }

  async stop(signal = 'SIGTERM') {
    return this.service?.end(signal)
  }
}

/** nginx on a host, which answers with its name. */
export class Nginx {
  constructor(host, name, port) {
    this.host = host
    this.folder = mkdtempSync(join(tmpdir(), 'slt-nginx-'))
    process.on('exit', () => rmSync(this.folder, { recursive: true, force: true }))
    for (const each of ['www', 'tmp']) mkdirSync(join(this.folder, each))
    const at = (...parts) => join(this.folder, ...parts)
    writeFileSync(at('www', 'index.html'), `${name}\n`)
    writeFileSync(at('www', 'large'), Buffer.alloc(4 << 20, name))
    const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    writeFileSync(
      at('nginx.conf'),
      `user root;
worker_processes 1;
pid ${at('pid')};
error_log stderr;
events { worker_connections 1024; }
http {
  access_log off;
${folders.map((each) => `  ${each}_temp_path ${at('tmp', each)};`).join('\n')}
  server { listen ${port}; listen [::]:${port}; root ${at('www')}; location /large { limit_rate 1m; } }
}
`,
    )
  }

  async start() {
    rmSync(join(this.folder, 'pid'), { force: true })
    this.service = new Service(
      this.host,
      'nginx',
      '-p',
      this.folder,
      '-c',
      join(this.folder, 'nginx.conf'),
      '-g',
      'daemon off;',
    )
    await until('nginx listens', () => {
      try {
        return readFileSync(join(this.folder, 'pid'), 'utf8') !== ''
      } catch {
        return false
      }
    })
    return this
  }

  async stop() {
    await this.service?.end('SIGTERM')
  }
}

/** What a client gets of a page. @returns the text, or the reason why there is none */
export function get(host, address, port, path = '/') {
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${port}${path}`
  const { stdout, status } = host.try('curl', '-sS', '--max-time', '5', url)
  return status === 0 ? stdout.trim() : `curl: ${status}`
}
