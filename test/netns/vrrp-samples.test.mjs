// keepalived's own samples of VRRP, by keepalived and imported by sluiced, on hosts that are the same: both hold the same
// addresses on the same devices, and say the same on the wire.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'
import { until } from '../lib/host.mjs'
import { Namespace, wire } from '../lib/netns.mjs'
import { Service, Sluiced } from '../lib/sluiced.mjs'

const samples = '/usr/share/doc/keepalived/samples'
const sluice = fileURLToPath(new URL('../../bin/sluice', import.meta.url))
const devices = ['eth0', 'eth1', 'eth2', 'eth3']

const once = (said) =>
  said.replace(/length \d+, addrs\(\d+\): ([\d.,]+)/, (_, addresses) => [...new Set(addresses.split(','))].join())

/** Without what needs the kernel's IPVS. */
const copy = (name, folder) => {
  const path = join(folder, name)
  writeFileSync(path, readFileSync(join(samples, name), 'utf8').replace(/^.*lvs_sync_daemon_interface.*$/m, ''))
  return path
}

/** A director with four devices, and who hears what it says by them. */
class Stage {
  constructor(t, role) {
    this.host = new Namespace(`${role}d`, { ipv6: true })
    this.ear = new Namespace(`${role}e`)
    t.after(() => {
      this.host.remove()
      this.ear.remove()
    })
    for (const [i, device] of devices.entries()) {
      wire([this.host, device], [this.ear, device])
      this.host.ip('address', 'add', `192.168.${199 + i}.1/24`, 'dev', device)
    }
    this.folder = mkdtempSync(join(tmpdir(), 'slt-samples-'))
    this.dump = new Service(this.ear, 'tcpdump', '-lnvi', 'any', 'proto', '112')
    t.after(async () => {
      await this.dump.end('SIGKILL')
      rmSync(this.folder, { recursive: true, force: true })
    })
  }

  /** Addresses that are not the host's own, with their devices. */
  addresses() {
    return JSON.parse(this.host.ip('-json', '-4', 'address', 'show')).flatMap(({ ifname, addr_info: found }) =>
      found
        .map(({ local, prefixlen }) => `${ifname} ${local}/${prefixlen}`)
        .filter((text) => !/^lo | 192\.168\.\d+\.1\/24$/.test(text)),
    )
  }

  /** The last advert of each virtual router: device, source, and all that it says; what it says twice, once. */
  adverts() {
    const last = new Map()
    const pattern = /(eth\d) .*\n\s+(\S+) > \S+: (?:vrrp \S+ > \S+: )?(VRRPv\d, Advertisement, vrid (\d+),.*)/g
    for (const [, device, source, said, vrid] of this.dump.output.matchAll(pattern))
      if (!said.includes('prio 0,')) last.set(vrid, `${device} ${source} ${once(said)}`)
    return [...last].sort(([a], [b]) => a - b).map(([, text]) => text)
  }

  seen() {
    return { addresses: this.addresses().sort(), adverts: this.adverts() }
  }
}

const names = existsSync(samples)
  ? readdirSync(samples).filter((name) => /conf\.vrrp($|\.(localcheck|lvs_syncd|routes|scripts|sync))/.test(name))
  : []

test('the samples are there', { skip: names.length === 0 && 'the package keepalived is not here' }, () => {
  assert.equal(names.length, 6)
})

for (const name of names)
  test(`${name}: what it means is what runs`, async (t) => {
    const [theirs, ours] = [new Stage(t, 'k'), new Stage(t, 's')]
    const file = copy(name, theirs.folder)
    const pid = (each) => join(theirs.folder, each)
    const words = ['-n', '-l', '-P', '-f', file, '-p', pid('pid'), '-r', pid('vrrp')]
    const keepalived = new Service(theirs.host, 'keepalived', ...words)
    t.after(() => keepalived.end('SIGTERM'))
    const { vrrp } = parse(ours.host.try(process.execPath, sluice, 'import', 'keepalived.conf', file).stdout)
    const config = { daemon: { availability: join(ours.folder, 'availability') }, vrrp }
    const sluiced = new Sluiced(ours.host, config)
    t.after(() => sluiced.stop('SIGKILL'))
    await sluiced.start()
    await until(
      'keepalived is master of something',
      () => theirs.seen().adverts.length > 0 && theirs.addresses().length > 0,
    )
    const same = () => isDeepStrictEqual(ours.seen(), theirs.seen())
    // scripts are counted by both in their own time
    await until(
      'both say the same',
      async () => same() && (await new Promise((r) => setTimeout(r, 4000, true))) && same(),
    ).catch(() => assert.deepEqual(ours.seen(), theirs.seen(), `${sluiced.output}\n${keepalived.output}`))
    t.diagnostic(`${theirs.addresses().length} addresses, ${theirs.adverts().length} virtual routers`)
  })
