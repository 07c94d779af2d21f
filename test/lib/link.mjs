// Directors on one link, and keepalived on one of them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Namespace } from './netns.mjs'

export const VIP = '10.0.0.100'

const folder = mkdtempSync(join(tmpdir(), 'slt-keepalived-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** Hosts on one link, each with its address on eth0. */
export class Link {
  constructor(role) {
    this.switch = new Namespace(`${role}sw`)
    this.switch.ip('link', 'add', 'br0', 'type', 'bridge')
    this.switch.ip('link', 'set', 'br0', 'up')
    this.hosts = []
    this.role = role
  }

  host(number) {
    const host = new Namespace(`${this.role}${number}`)
    this.hosts.push(host)
    for (const scope of ['all', 'default']) host.sysctl(`net/ipv6/conf/${scope}/disable_ipv6`, 0)
    // link-local addresses are there at once
    host.sysctl('net/ipv6/conf/default/accept_dad', 0)
    host.ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', `p${number}`, 'netns', this.switch.name)
    this.switch.ip('link', 'set', `p${number}`, 'master', 'br0', 'up')
    host.ip('addr', 'add', `10.0.0.${number}/24`, 'dev', 'eth0')
    host.ip('link', 'set', 'eth0', 'up')
    return host
  }

  remove() {
    for (const host of [...this.hosts, this.switch]) host.remove()
  }
}

/** keepalived's configuration, written: the words that start it. */
export function keepalived(host, { version = 2, priority, interval = 1, vip = `${VIP}/24`, extra = '' }) {
  const path = join(folder, `${host.name}.conf`)
  writeFileSync(
    path,
    `global_defs {
  router_id ${host.name}
  vrrp_version ${version}
  vrrp_garp_master_delay 1
}
vrrp_instance VI {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int ${interval}
  ${extra}
  virtual_ipaddress {
    ${vip} dev eth0
  }
}
`,
  )
  const pid = (name) => join(folder, `${host.name}.${name}`)
  // left by one that was killed: its number may be another process's by now
  for (const name of ['pid', 'vrrp']) rmSync(pid(name), { force: true })
  const args = ['-n', '-l', '-D', '-P', '-f', path, '-p', pid('pid'), '-r', pid('vrrp')]
  return ['keepalived', ...args]
}
