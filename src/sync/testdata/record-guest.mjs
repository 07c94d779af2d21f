// The part of record.mjs that runs inside the virtual machine: client, director and server on one bridge, an observer on
// a link of its own. Prints a line of JSON a scenario.
import { execFileSync, spawn } from 'node:child_process'

/** Parts of the names of the scenarios to run; none: all of them. */
const wanted = process.argv.slice(2)
const sh = (script) => execFileSync('bash', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
const director = (script) =>
  execFileSync('ip', ['netns', 'exec', 'dir', 'bash', '-c', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

sh(`set -e
for n in sw cli dir srv obs; do ip netns add $n; ip -n $n link set lo up; done
ip -n sw link add br0 type bridge; ip -n sw link set br0 up
for n in cli dir srv; do ip link add eth0 netns $n type veth peer name p-$n netns sw; ip -n $n link set eth0 up
  ip -n sw link set p-$n master br0 up; done
ip link add eth9 netns dir type veth peer name eth9 netns obs; ip -n dir link set eth9 up; ip -n obs link set eth9 up
ip -n dir addr add 172.16.0.1/24 dev eth9; ip -n obs addr add 172.16.0.2/24 dev eth9
ip -n cli addr add 10.0.0.1/24 dev eth0; ip -n cli addr add 10.0.0.11/24 dev eth0
ip -n dir addr add 10.0.0.2/24 dev eth0
for v in 100 101 102 103 104 105; do ip -n dir addr add 10.0.0.$v/32 dev eth0; done
ip -n srv addr add 10.0.0.3/24 dev eth0; ip -n srv route add 10.0.0.1 via 10.0.0.2
ip netns exec srv sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.lo.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.eth0.arp_announce=2 net.ipv4.conf.all.accept_redirects=0
ip netns exec dir sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
ip -n srv addr add 10.0.0.101/32 dev lo
ip -n srv link add ipip0 type ipip 2>/dev/null || true
ip -n srv link set tunl0 up || true; ip -n srv addr add 10.0.0.102/32 dev lo
ip netns exec srv sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tunl0.rp_filter=0 || true
ip -n cli addr add fd00::1/64 dev eth0 nodad; ip -n dir addr add fd00::2/64 dev eth0 nodad; ip -n dir addr add fd00::100/128 dev eth0 nodad
ip -n srv addr add fd00::3/64 dev eth0 nodad; ip -n srv route add fd00::1 via fd00::2
ip netns exec srv sysctl -qw net.ipv6.conf.all.accept_redirects=0; ip netns exec dir sysctl -qw net.ipv6.conf.all.accept_redirects=0
`)

/** A Node process in a namespace that does what it is told. */
class Actor {
  constructor(namespace) {
    const code = `const net=require('net'),dgram=require('dgram'),state={};
      process.on('message', async ({ id, code }) => {
        try { process.send({ id, result: await eval('(async()=>{' + code + '})()') }) }
        catch (e) { process.send({ id, error: e.message }) } })
      process.on('uncaughtException', (e) => process.send({ note: e.message }))`
    this.calls = new Map()
    this.next = 1
    this.heard = []
    this.child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, '-e', code], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.child.on('message', ({ id, result, error, note, datagram }) => {
      if (datagram) return this.heard.push(datagram)
      if (note) return console.log(`${namespace}: ${note}`)
      const { resolve, reject } = this.calls.get(id)
      if (error) reject(new Error(`${namespace}: ${error}`))
      else resolve(result)
    })
  }
  ask(code) {
    const id = this.next++
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject })
      this.child.send({ id, code })
    })
  }
}

const [client, server, observer] = ['cli', 'srv', 'obs'].map((name) => new Actor(name))
await server.ask(`
  const onSocket = (s) => { s.setNoDelay(true); s.on('error', () => {}); s.on('data', (d) => s.write(d)) }
  for (const host of ['0.0.0.0', '::']) await new Promise((r) => net.createServer(onSocket).listen({ port: 80, host, ipv6Only: true }, r))
  await new Promise((r) => net.createServer((s) => { s.setNoDelay(true); s.on('error', () => {})
    s.on('data', (d) => s.write(/PASV/.test(d) ? '227 Entering Passive Mode (10,0,0,3,4,1).\\r\\n' : /EPSV/.test(d) ? '229 Entering Extended Passive Mode (|||1025|)\\r\\n' : '200 fine\\r\\n')) }).listen(21, '0.0.0.0', r))
  await new Promise((r) => net.createServer(onSocket).listen(1025, '0.0.0.0', r))
  for (const port of [53, 5060]) { const u = dgram.createSocket('udp4'); u.on('message', (d, f) => u.send(d, f.port, f.address)); await new Promise((r) => u.bind(port, '0.0.0.0', r)) }`)
await observer.ask(`const u = dgram.createSocket({ type: 'udp4', reuseAddr: true })
  u.on('message', (d, f) => process.send({ datagram: { at: Date.now(), from: f.address, port: f.port, data: d.toString('hex') } }))
  await new Promise((r) => u.bind(8848, '224.0.0.81', r)); u.addMembership('224.0.0.81', '172.16.0.2')`)

/** Opens, talks `lines` times, closes; `lines` below 0 resets instead. */
const talk = ({
  host,
  port = 80,
  localPort,
  localAddress = '10.0.0.1',
  lines,
  reset = false,
  words = ['x'],
  pause = 15,
}) =>
  client.ask(`const s = net.connect({ host: '${host}', port: ${port}, localPort: ${localPort}, localAddress: '${localAddress}', noDelay: true })
    s.on('error', () => {})
    await new Promise((r, j) => { s.once('connect', r); s.once('error', j); setTimeout(() => j(new Error('no connection to ${host}:${port}')), 6000) })
    const words = ${JSON.stringify(words)}
    for (let i = 0; i < ${lines}; i += 1) { s.write(words[i % words.length] + '\\r\\n'); await new Promise((r) => s.once('data', r)); await new Promise((r) => setTimeout(r, ${pause})) }
    ${reset ? 's.resetAndDestroy()' : `s.end(); await new Promise((r) => s.once('close', r))`}`)

const say = ({ host, port, localPort, count, text = 'x', pause = 15 }) =>
  client.ask(`const u = dgram.createSocket('udp4'); await new Promise((r) => u.bind(${localPort}, '10.0.0.1', r))
    for (let i = 0; i < ${count}; i += 1) { u.send(${JSON.stringify(text)}, ${port}, '${host}'); await new Promise((r) => { u.once('message', r); setTimeout(r, 1000) }); await new Promise((r) => setTimeout(r, ${pause})) }
    u.close()`)

director(`
ipvsadm -A -t 10.0.0.100:80 -s rr; ipvsadm -a -t 10.0.0.100:80 -r 10.0.0.3:80 -m
ipvsadm -A -u 10.0.0.100:53 -s rr; ipvsadm -a -u 10.0.0.100:53 -r 10.0.0.3:53 -m
ipvsadm -A -t 10.0.0.101:80 -s rr; ipvsadm -a -t 10.0.0.101:80 -r 10.0.0.3 -g
ipvsadm -A -t 10.0.0.102:80 -s rr; ipvsadm -a -t 10.0.0.102:80 -r 10.0.0.3 -i
ipvsadm -A -t 10.0.0.103:80 -s rr -p 90 -M 255.255.255.0; ipvsadm -a -t 10.0.0.103:80 -r 10.0.0.3:80 -m
ipvsadm -A -t 10.0.0.100:21 -s rr; ipvsadm -a -t 10.0.0.100:21 -r 10.0.0.3:21 -m
ipvsadm -A -t [fd00::100]:80 -s rr -p 120 -M 64; ipvsadm -a -t [fd00::100]:80 -r [fd00::3]:80 -m
ipvsadm -A -u 10.0.0.105:5060 -s rr -p 60 --pe sip; ipvsadm -a -u 10.0.0.105:5060 -r 10.0.0.3:5060 -m
ipvsadm -A -f 7 -s rr -p 200; ipvsadm -a -f 7 -r 10.0.0.3 -m
tc qdisc add dev eth0 clsact; tc filter add dev eth0 ingress protocol ip u32 match ip dst 10.0.0.104/32 action skbedit mark 7
`)

async function scenario(name, { threshold = '3 50', more = {}, version = 1, syncid = 7, options = '' }, work) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) return
  director(`sysctl -qw net.ipv4.vs.sync_threshold="${threshold}" net.ipv4.vs.sync_version=${version}
    ${Object.entries(more)
      .map(([key, value]) => `sysctl -qw net.ipv4.vs.${key}=${value}`)
      .join('\n')}
    ipvsadm --start-daemon master --mcast-interface eth9 --syncid ${syncid} ${options}`)
  observer.heard = []
  const started = Date.now()
  let error
  try {
    await Promise.race([work(), sleep(20_000).then(() => Promise.reject(new Error('it hangs')))])
  } catch (failure) {
    error = failure.message
  }
  const ended = Date.now()
  await sleep(3500)
  const connections = director('cat /proc/net/ip_vs_conn').split('\n').slice(1).filter(Boolean)
  director(
    `ipvsadm --stop-daemon master ${Object.keys(more)
      .map((key) => `; sysctl -qw net.ipv4.vs.${key}=0`)
      .join('')}`,
  )
  await sleep(300)
  console.log(
    JSON.stringify({
      name,
      threshold,
      version,
      ...(error ? { error } : {}),
      took: ended - started,
      datagrams: observer.heard.map(({ at, from, port, data }) => ({ at: at - started, from, port, data })),
      connections,
    }),
  )
}

const each = '0 1'
await scenario('tcp nat, default threshold', {}, () => talk({ host: '10.0.0.100', localPort: 1001, lines: 40 }))
await scenario('tcp nat, every packet', { threshold: each }, () =>
  talk({ host: '10.0.0.100', localPort: 1002, lines: 3, pause: 700 }),
)
await scenario('tcp nat, reset', { threshold: each }, () =>
  talk({ host: '10.0.0.100', localPort: 1003, lines: 1, reset: true }),
)
await scenario('tcp nat, short, default threshold', {}, () => talk({ host: '10.0.0.100', localPort: 1004, lines: 0 }))
await scenario('tcp direct routing', { threshold: each }, () =>
  talk({ host: '10.0.0.101', localAddress: '10.0.0.11', localPort: 1005, lines: 2 }),
)
await scenario('tcp tunnel', { threshold: each }, () =>
  talk({ host: '10.0.0.102', localAddress: '10.0.0.11', localPort: 1006, lines: 2 }),
)
await scenario('udp nat, default threshold', {}, () =>
  say({ host: '10.0.0.100', port: 53, localPort: 1007, count: 60 }),
)
await scenario('udp nat, threshold without a period', { threshold: '3 0' }, () =>
  say({ host: '10.0.0.100', port: 53, localPort: 1017, count: 60 }),
)
await scenario('udp nat, refresh period', { threshold: '0 0', more: { sync_refresh_period: 2, sync_retries: 1 } }, () =>
  say({ host: '10.0.0.100', port: 53, localPort: 1027, count: 12, pause: 500 }),
)
await scenario('tcp persistent', {}, async () => {
  for (let i = 0; i < 5; i += 1) await talk({ host: '10.0.0.103', localPort: 1100 + i, lines: 2 })
})
await scenario('tcp persistent, templates only', { more: { sync_persist_mode: 1 } }, async () => {
  for (let i = 0; i < 4; i += 1) await talk({ host: '10.0.0.103', localPort: 1110 + i, lines: 2 })
})
await scenario('tcp6 nat persistent', { threshold: each }, () =>
  talk({ host: 'fd00::100', localAddress: 'fd00::1', localPort: 1008, lines: 2 }),
)
await scenario('firewall mark, persistent', { threshold: each }, () =>
  talk({ host: '10.0.0.104', localPort: 1009, lines: 2 }),
)
await scenario('ftp', { threshold: each }, async () => {
  await client
    .ask(`const s = net.connect({ host: '10.0.0.100', port: 21, localPort: 1010, localAddress: '10.0.0.1' }); state.ftp = s; s.on('error', () => {})
    await new Promise((r) => s.once('connect', r)); s.write('USER a\\r\\n'); await new Promise((r) => s.once('data', r))
    s.write('PASV\\r\\n'); await new Promise((r) => s.once('data', (d) => { state.pasv = String(d); r() })); s.write('NOOP\\r\\n'); await new Promise((r) => s.once('data', r))
    return state.pasv`)
    .then((text) => console.log(text))
  await sleep(300)
  await client.ask(`const m = /\\((\\d+),(\\d+),(\\d+),(\\d+),(\\d+),(\\d+)\\)/.exec(state.pasv)
    const d = net.connect({ host: m.slice(1, 5).join('.'), port: m[5] * 256 + +m[6], localAddress: '10.0.0.1', localPort: 1011 }); d.on('error', () => {})
    await new Promise((r, j) => { d.once('connect', r); setTimeout(() => j(new Error('no data connection')), 4000) }); d.write('x'); await new Promise((r) => d.once('data', r)); d.end()
    await new Promise((r) => setTimeout(r, 300)); state.ftp.write('NOOP\\r\\n'); await new Promise((r) => state.ftp.once('data', r)); state.ftp.end()`)
})
await scenario('sip', { threshold: each }, () =>
  say({
    host: '10.0.0.105',
    port: 5060,
    localPort: 5060,
    count: 2,
    text: 'INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1\r\nCall-ID: abc-123@example\r\nContent-Length: 0\r\n\r\n',
  }),
)
await scenario('many in one', { threshold: '3 50', options: '--sync-maxlen 200' }, () =>
  Promise.all(Array.from({ length: 12 }, (_, i) => talk({ host: '10.0.0.100', localPort: 1200 + i, lines: 2 }))),
)
await scenario('version 0', { threshold: each, version: 0 }, async () => {
  await talk({ host: '10.0.0.100', localPort: 1300, lines: 2 })
  await say({ host: '10.0.0.100', port: 53, localPort: 1301, count: 2 })
  await talk({ host: '10.0.0.103', localPort: 1302, lines: 1 })
})
await scenario('version 0 ftp', { threshold: each, version: 0, syncid: 255 }, async () => {
  await client.ask(`const s = net.connect({ host: '10.0.0.100', port: 21, localPort: 1310, localAddress: '10.0.0.1' }); s.on('error', () => {})
    await new Promise((r) => s.once('connect', r)); s.write('PASV\\r\\n'); await new Promise((r) => s.once('data', r)); s.write('NOOP\\r\\n'); await new Promise((r) => s.once('data', r)); s.end()`)
})
for (const actor of [client, server, observer]) actor.child.kill()
process.exit(0)
