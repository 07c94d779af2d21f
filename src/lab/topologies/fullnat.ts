import type { Host } from '../host.js'
import type { Lab } from '../lab.js'
import { nginx } from '../servers.js'
import type { Drive, Topology } from '../topology.js'
import type { Transcript } from '../transcript.js'
import { inTurn, listing } from './expectations.js'

const vip = '192.168.10.100'
const client = '192.168.10.200'
const local = '10.20.0.8'
const servers = ['10.20.0.81', '10.20.0.82'] as const

interface Farm {
  readonly internet: Host
  readonly lvs: Host
  readonly webs: readonly Host[]
}

/** The servers' default gateway is a router that is not the director and knows nothing of the client's network. */
async function build(lab: Lab): Promise<Farm> {
  const internet = await lab.host('internet')
  const lvs = await lab.host('lvs', { datapath: 'table' })
  const router = await lab.host('router', { forwards: true })
  const webs = [await lab.host('web1'), await lab.host('web2')]
  await lab.cable(
    { host: internet, device: 'eth0', addresses: [`${client}/24`], mac: '00:0c:29:7c:8e:f5' },
    { host: lvs, device: 'eth1', addresses: [`${vip}/24`], mac: '00:0c:29:3e:16:5c' },
  )
  await lab.switch('lan', [
    { host: lvs, device: 'eth0', addresses: [`${local}/24`], mac: '00:0c:29:3e:16:52' },
    { host: router, device: 'eth0', addresses: ['10.20.0.1/24'], mac: '00:0c:29:7c:8e:eb' },
    ...webs.map((host, i) => ({ host, device: 'eth0', addresses: [`${servers[i]}/24`], mac: `00:0c:29:94:1${i}:f6` })),
  ])
  for (const web of webs) {
    await web.route('default', '10.20.0.1')
    await nginx(web)
  }
  return { internet, lvs, webs }
}

async function noWayBack(t: Transcript, { webs }: Farm): Promise<void> {
  t.heading('The real servers know no way back')
  for (const web of webs) {
    const { output } = await t.run(web, 'ip route')
    t.match(`the gateway of ${web.name} is not the director`, output, /^default via 10\.20\.0\.1 dev eth0/)
    const ping = await t.run(web, `ping -c1 -W1 ${client}`, { status: 1 })
    t.match(`${web.name} does not reach the client`, ping.output, /100% packet loss/)
  }
}

async function service(t: Transcript, { internet, lvs, webs }: Farm): Promise<void> {
  t.heading('The virtual service')
  await t.run(lvs, `ipvsadm -A -t ${vip}:80 -s rr`)
  await t.run(lvs, `sluice laddr add -t ${vip}:80 ${local}`)
  for (const server of servers) await t.run(lvs, `ipvsadm -a -t ${vip}:80 -r ${server}:80 --fullnat`)
  const list = await t.run(lvs, 'ipvsadm -Ln')
  t.match(
    'the service and its two real servers are listed',
    list.output,
    listing(`TCP  ${vip}:80 rr`, `  -> ${servers[0]}:80 FullNat 1 0 0`, `  -> ${servers[1]}:80 FullNat 1 0 0`),
  )
  const saved = await t.run(lvs, 'ipvsadm -Sn')
  t.match('local addresses and methods are saved', saved.output, / --laddr 10\.20\.0\.8$/m, / --fullnat -w 1$/m)

  t.heading('Requests')
  const answers = await t.run(internet, `for i in 1 2 3 4 5 6;do curl ${vip};done`)
  inTurn(t, answers.output, ['web1', 'web2'], 6)
  const addresses = await t.run(lvs, 'sluice laddr list')
  t.match('the connections are on the local address', addresses.output, /^TCP 192\.168\.10\.100:80 +10\.20\.0\.8 +6$/m)
  for (const web of webs) {
    const log = await t.run(web, 'cat access_log')
    t.match(
      `${web.name} sees the director as its client`,
      log.output,
      /^10\.20\.0\.8 - - \[.*\] "GET \/ HTTP\/1\.1" 200 5 /m,
    )
  }
}

async function proxyProtocol(t: Transcript, { internet, lvs, webs }: Farm): Promise<void> {
  t.heading('The client’s address by the PROXY protocol')
  await t.run(lvs, `ipvsadm -A -t ${vip}:81 -s rr --laddr ${local}`)
  for (const server of servers) await t.run(lvs, `ipvsadm -a -t ${vip}:81 -r ${server}:81 --fullnat --proxy-protocol`)
  const answers = await t.run(internet, `for i in 1 2 3 4;do curl ${vip}:81;done`)
  inTurn(t, answers.output, ['web1', 'web2'], 4)
  for (const web of webs) {
    const log = await t.run(web, 'cat proxy_log')
    t.match(
      `${web.name} logs the client itself`,
      log.output,
      /^192\.168\.10\.200 by 10\.20\.0\.8 "GET \/ HTTP\/1\.1" 200$/m,
    )
  }
  await t.run(internet, 'head -c 10485760 /dev/urandom > up')
  await t.run(internet, `curl -sT up ${vip}:81/upload/file`)
  await t.run(internet, `for i in 1 2;do curl -s -o down$i ${vip}:81/upload/file;done`)
  const { output } = await t.run(internet, 'sha256sum up down1 down2')
  const [up, ...down] = output.split('\n').map((line) => line.slice(0, 64))
  t.check('10 MB go up to one of them and come down byte for byte', down.includes(up ?? ''), up, output.trimEnd())
}

/** Full NAT: servers that need no route to the client, and still learn its address. */
export const fullnat: Topology = {
  name: 'fullnat',
  title: 'full NAT: real servers that know no way back to the client',
  programs: ['nginx', 'curl', 'ping'],
  async build(lab: Lab): Promise<Drive> {
    const farm = await build(lab)
    return async (t) => {
      await noWayBack(t, farm)
      await service(t, farm)
      await proxyProtocol(t, farm)
    }
  },
}
