import type { Lab } from '../lab.js'
import { redis as redisServer } from '../servers.js'
import type { Drive, Topology } from '../topology.js'
import type { Transcript } from '../transcript.js'
import { inTurn, listing, row } from './expectations.js'
import { addWebService } from './nat.js'
import { buildWebFarm, type WebFarm } from './web-farm.js'

async function service(t: Transcript, farm: WebFarm): Promise<void> {
  const { lvs, web1, web2 } = farm
  t.heading('Each Redis says which one it is')
  const first = await t.run(web1, 'redis-cli set host 192.168.188.82')
  const second = await t.run(web2, 'redis-cli set host 192.168.188.83')
  t.equal('both have stored it', first.output + second.output, 'OK\nOK')

  t.heading('The virtual services')
  await addWebService(t, farm)
  await t.run(lvs, 'ipvsadm -A -t 192.168.10.100:6379')
  await t.run(lvs, 'ipvsadm -a -t 192.168.10.100:6379 -r 192.168.188.82:6379 -m')
  await t.run(lvs, 'ipvsadm -a -t 192.168.10.100:6379 -r 192.168.188.83:6379 -m')
  const { output } = await t.run(lvs, 'ipvsadm -Ln')
  t.match(
    'both services are listed, the new one with the default scheduler wlc',
    output,
    listing(
      'TCP  192.168.10.100:80 rr',
      '  -> 192.168.188.82:80            Masq    1      0          0',
      '  -> 192.168.188.83:80            Masq    1      0          0',
      'TCP  192.168.10.100:6379 wlc',
      '  -> 192.168.188.82:6379          Masq    1      0          0',
      '  -> 192.168.188.83:6379          Masq    1      0          0',
    ),
  )
}

async function requests(t: Transcript, { internet, lvs }: WebFarm): Promise<void> {
  t.heading('Requests')
  const answers = await t.run(internet, 'for i in 1 2 3 4;do redis-cli --no-raw -h 192.168.10.100 get host;done')
  inTurn(t, answers.output, ['"192.168.188.82"', '"192.168.188.83"'], 4)

  t.heading('A connection that stays open')
  const subscriber = await internet.start('redis-cli', 'redis-cli', '-h', '192.168.10.100', 'subscribe', 'news')
  await subscriber.until(() => subscriber.output().includes('subscribe'))
  const connections = await t.run(lvs, 'ipvsadm -Lnc')
  t.match(
    'it is ESTABLISHED and keeps for 15 minutes; the others wait in TIME_WAIT',
    connections.output,
    /^TCP 1[45]:\d\d {2}ESTABLISHED 192\.168\.10\.200:\d+ +192\.168\.10\.100:6379 +192\.168\.188\.8[23]:6379 *$/m,
    /^TCP 0[01]:\d\d {2}TIME_WAIT {3}192\.168\.10\.200:\d+ +192\.168\.10\.100:6379 +192\.168\.188\.82:6379 *$/m,
    /^TCP 0[01]:\d\d {2}TIME_WAIT {3}192\.168\.10\.200:\d+ +192\.168\.10\.100:6379 +192\.168\.188\.83:6379 *$/m,
  )
  const list = await t.run(lvs, 'ipvsadm -Ln')
  t.match('it is the one active connection', list.output, /^ {2}-> 192\.168\.188\.8[23]:6379 +Masq +1 +1 +2 *$/m)
  await t.run(internet, 'curl 192.168.10.100')
  t.match('the web service goes on beside it', list.output, row('TCP  192.168.10.100:80 rr'))
  await subscriber.stop()
}

/** Section 4.2: Redis behind the same director, by weighted least connections. */
export const redis: Topology = {
  name: 'redis',
  title: 'Redis behind NAT, weighted least connections (notes, 4.2)',
  programs: ['nginx', 'curl', 'redis-server', 'redis-cli'],
  async build(lab: Lab): Promise<Drive> {
    const farm = await buildWebFarm(lab)
    for (const web of [farm.web1, farm.web2]) await redisServer(web)
    return async (t) => {
      await service(t, farm)
      await requests(t, farm)
    }
  },
}
