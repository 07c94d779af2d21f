import type { Host } from '../host.js'
import type { Lab } from '../lab.js'
import { nginx } from '../servers.js'

/** The hosts of the notes' section 4.1, which 4.2 uses too. */
export interface WebFarm {
  readonly internet: Host
  readonly lvs: Host
  readonly web1: Host
  readonly web2: Host
}

/**
 * Builds the hosts of section 4.1: the director stands between the client and the real servers, and is their gateway.
 * @param ports that the web servers listen on
 */
export async function buildWebFarm(lab: Lab, ports: readonly number[] = [80]): Promise<WebFarm> {
  const internet = await lab.host('internet')
  const lvs = await lab.host('lvs', { datapath: 'table' })
  const web1 = await lab.host('web1')
  const web2 = await lab.host('web2')
  await lab.cable(
    { host: internet, device: 'eth0', addresses: ['192.168.10.200/24'], mac: '00:0c:29:7c:8e:f5' },
    { host: lvs, device: 'eth1', addresses: ['192.168.10.100/24'], mac: '00:0c:29:3e:16:5c' },
  )
  await lab.switch('lan', [
    { host: lvs, device: 'eth0', addresses: ['192.168.188.81/24'], mac: '00:0c:29:3e:16:52' },
    { host: web1, device: 'eth0', addresses: ['192.168.188.82/24'], mac: '00:0c:29:94:1a:f6' },
    { host: web2, device: 'eth0', addresses: ['192.168.188.83/24'], mac: '00:0c:29:94:1b:f6' },
  ])
  for (const web of [web1, web2]) {
    await web.route('default', '192.168.188.81')
    await nginx(web, ports)
  }
  return { internet, lvs, web1, web2 }
}
