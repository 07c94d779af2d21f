// FTP with a real server and a real client: passive and active, by NAT (of either family) and by full NAT, offloads on and off.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Farm, wires } from '../lib/farm.mjs'
import { until } from '../lib/host.mjs'

const MEGABYTES = 10 * 2 ** 20
const digest = (data) => createHash('sha256').update(data).digest('hex')

/** vsftpd in a namespace, with a folder that anybody reads from and writes to. */
function startServer(host, home, family) {
  const root = join(home, 'root')
  mkdirSync(join(home, 'empty'), { recursive: true })
  mkdirSync(join(root, 'incoming'), { recursive: true })
  chmodSync(join(root, 'incoming'), 0o777)
  writeFileSync(
    join(home, 'vsftpd.conf'),
    `${family === 'IPv6' ? 'listen_ipv6' : 'listen'}=YES
background=NO
anonymous_enable=YES
no_anon_password=YES
anon_root=${root}
write_enable=YES
anon_upload_enable=YES
anon_umask=022
anon_other_write_enable=YES
secure_chroot_dir=${join(home, 'empty')}
connect_from_port_20=YES
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
xferlog_enable=NO
`,
  )
  return spawn('nsenter', [`--net=${host.path}`, 'vsftpd', join(home, 'vsftpd.conf')], { stdio: 'ignore' })
}

for (const [method, family] of [
  ['masq', 'IPv4'],
  ['masq', 'IPv6'],
  ['fullnat', 'IPv4'],
])
  describe(`${method}, ${family}`, () => {
    const { CLIENT, VIP } = wires[family]
    const host = family === 'IPv6' ? `[${VIP}]` : VIP
    /** @type {Farm} */
    let farm
    let home
    let children
    const data = randomBytes(MEGABYTES)
    before(async () => {
      home = mkdtempSync(join(tmpdir(), 'sluice-ftp-'))
      farm = new Farm({ method, family })
      children = farm.servers.map((host, i) => {
        const folder = join(home, `s${i + 1}`)
        mkdirSync(folder)
        const child = startServer(host, folder, family)
        writeFileSync(join(folder, 'root', 'name'), `s${i + 1}\n`)
        writeFileSync(join(folder, 'root', 'large'), data)
        return child
      })
      for (const host of farm.servers) await until('vsftpd listens', () => host.run('ss', '-ltn').includes(':21 '))
      farm.serve({ port: 21 })
      writeFileSync(join(home, 'up'), data)
    })
    after(async () => {
      for (const child of children ?? []) {
        child.kill('SIGKILL')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      }
      await farm?.close()
      if (home) rmSync(home, { recursive: true })
    })

    const curl = (...args) =>
      farm.client.run('curl', '-sS', '--fail-early', '--max-time', '60', '--user', 'anonymous:x', ...args)
    const modes = {
      'passive (EPSV)': [],
      'active (EPRT)': ['--ftp-port', CLIENT],
      // names an address of IPv4
      ...(family === 'IPv4' && {
        'passive (PASV)': ['--disable-epsv'],
        'active (PORT)': ['--ftp-port', CLIENT, '--disable-eprt'],
      }),
    }

    for (const [name, options] of Object.entries(modes))
      for (const offload of [true, false])
        test(`${name}, offloads ${offload ? 'on' : 'off'}: 10 MB down and up, byte for byte, and many files in one session`, () => {
          farm.offload(offload)
          const names = [1, 2, 3, 4].map(() => curl(...options, `ftp://${host}/name`).trim())
          assert.deepEqual(names.sort(), ['s1', 's1', 's2', 's2'])
          const down = join(home, 'down')
          curl(...options, '-o', down, `ftp://${host}/large`)
          assert.equal(digest(readFileSync(down)), digest(data), 'down')
          const file = `${name.replaceAll(/\W/g, '')}${offload}`
          curl(...options, '-T', join(home, 'up'), `ftp://${host}/incoming/${file}`)
          const found = farm.servers.map((_, i) => join(home, `s${i + 1}`, 'root', 'incoming', file))
          const kept = found.flatMap((path) => {
            try {
              return [digest(readFileSync(path))]
            } catch {
              return []
            }
          })
          assert.deepEqual(kept, [digest(data)], 'up')
          // one control connection, whose numbers are shifted further with every announcement
          const many = curl(...options, ...Array.from({ length: 8 }, () => `ftp://${host}/name`)).split('\n')
          assert.equal(new Set(many.filter(Boolean)).size, 1)
          assert.equal(many.filter(Boolean).length, 8)
        })

    test('data connections are counted at the control connection’s server, and end with it in order', () => {
      const service = farm.service({ protocol: 'tcp', address: VIP, port: 21 })
      const clients = farm.connections().map(({ client }) => client.address)
      assert.ok(clients.every((address) => address === CLIENT))
      assert.ok(service.counters.inBytes > 0n)
    })
  })
