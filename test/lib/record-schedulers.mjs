// Asks kernel IPVS, in the virtual machine of test/ipvs-vm, for the picks of its schedulers in the scenarios of
// test/lib/scheduler-scenarios.mjs, and writes them into test/packet/testdata/schedulers.json:
//   node scripts/record-schedulers.mjs [REGULAR EXPRESSION OF SCENARIOS' NAMES | missing]
// `missing`: those without an answer. All of them take some minutes; what came within IPVS_VM_TIMEOUT seconds is kept.
import { spawn, spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { release } from 'node:os'
import { join } from 'node:path'
import { root } from '../../scripts/lib/project.mjs'
import { places, portOf, scenarios } from './scheduler-scenarios.mjs'

const file = join(root, 'test/packet/testdata/schedulers.json')
const command = 'node scripts/record-schedulers.mjs'
const [mode, ...rest] = process.argv.slice(2)

/** @param {string} program @param {string[]} args @param {string} [input] */
function run(program, args, input) {
  const got = spawnSync(program, args, { encoding: 'utf8', ...(input === undefined ? {} : { input }) })
  if (got.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${got.stderr}${got.stdout}`)
  return got.stdout
}

/**
 * The director, and all clients on it: addresses of whole networks are its own, and what goes to the real server goes to a
 * device that swallows it.
 */
function setUp() {
  const lines = [
    'link set lo up',
    'link add dummy0 type dummy',
    'link set dummy0 up',
    'address add 198.18.1.1/24 dev dummy0',
    'neighbour add 198.18.1.11 lladdr 02:00:00:00:01:0b nud permanent dev dummy0',
    'route add local 198.18.0.100/32 dev lo',
    'route add local 198.18.4.0/24 dev lo',
    'route add local 10.0.0.0/8 dev lo',
    '-6 address add 2001:db8:1::1/64 dev dummy0 nodad',
    '-6 neighbour add 2001:db8:1::11 lladdr 02:00:00:00:01:0b nud permanent dev dummy0',
    '-6 route add local 2001:db8::/64 dev lo',
    '-6 route add local 2001:db8:4::/64 dev lo',
    '-6 route add local 2001:db8:c::/48 dev lo',
  ]
  run('sysctl', ['-qw', 'net.ipv6.ip_nonlocal_bind=1'])
  for (const line of lines) run('ip', line.split(' '))
}

const bracketed = (address, port) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)

/** An address as /proc/net/ip_vs_conn writes it: eight hexadecimal digits, or IPv6 in full. */
const readable = (text) =>
  text.includes(':')
    ? new URL(`http://[${text}]`).hostname.slice(1, -1)
    : [0, 2, 4, 6].map((at) => Number.parseInt(text.slice(at, at + 2), 16)).join('.')

/** Server's port by client and port, of all connections to a service port. */
function connections(port) {
  const found = new Map()
  for (const line of readFileSync('/proc/net/ip_vs_conn', 'utf8').split('\n').slice(1)) {
    const [, client = '', cport = '', vip = '', vport = '', , dport = ''] = line.split(/\s+/)
    if (dport === '' || Number.parseInt(vport, 16) !== port) continue
    const key = `${readable(client)} ${Number.parseInt(cport, 16)} ${readable(vip)}`
    found.set(key, Number.parseInt(dport, 16))
  }
  return found
}

/** One packet that begins a connection: a SYN, whose handshake nobody finishes, or a datagram. */
function begin(protocol, from, fromPort, to, port) {
  return new Promise((resolve, reject) => {
    if (protocol === 'udp') {
      const socket = dgram.createSocket(to.includes(':') ? 'udp6' : 'udp4')
      socket.on('error', reject)
      socket.bind(fromPort, from, () =>
        socket.send('?', port, to, () => {
          socket.close()
          resolve(undefined)
        }),
      )
      return
    }
    const socket = net.connect({ host: to, port, localAddress: from, localPort: fromPort })
    // no server, no answer; but a packet that never left would look the same
    socket.on('error', (error) => (error.code === 'ECONNREFUSED' ? undefined : reject(error)))
    // the SYN is on its way as soon as connect(2) has returned
    setImmediate(() => {
      socket.destroy()
      resolve(undefined)
    })
  })
}

/** What IPVS picks in each step's packets: the number of the server, 0: none. */
async function ask({ scheduler, protocol = 'tcp', flags = [], family = 4, vips = 1, steps }, port) {
  const { vip, server } = places[family]
  const services = (vips === 1 ? [0] : Array.from({ length: vips }, (_, i) => i + 1)).map(
    (i) => `-${protocol[0]} ${bracketed(vip(i), port)}`,
  )
  const admin = (...lines) =>
    run('ipvsadm', ['-R'], services.flatMap((service) => lines.map((line) => line(service))).join('\n'))
  const flagged = (list) => (list.length > 0 ? ` -b ${list.join(',')}` : '')
  const options = ([n, weight, upper = 0]) => `-r ${bracketed(server, portOf(n))} -m -w ${weight} -x ${upper}`
  admin((service) => `-A ${service} -s ${scheduler}${flagged(flags)}`)
  const answers = []
  for (const step of steps) {
    if (step.add) admin(...step.add.map((one) => (service) => `-a ${service} ${options(one)}`))
    if (step.edit) admin((service) => `-e ${service} ${options(step.edit)}`)
    if (step.remove) admin((service) => `-d ${service} -r ${bracketed(server, portOf(step.remove))}`)
    if (step.use) admin((service) => `-E ${service} -s ${scheduler}${flagged(step.use)}`)
    if (!step.send) continue
    for (const [client, cport, to] of step.send) await begin(protocol, client, cport, vip(to), port)
    const found = connections(port)
    const name = (address) => (family === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address)
    answers.push(
      step.send.map(([client, cport, to]) => {
        const got = found.get(`${name(client)} ${cport} ${name(vip(to))}`)
        return got === undefined ? 0 : got - portOf(0)
      }),
    )
  }
  return answers
}

/** Each scenario has another service port, so that no connection of one is met in another. */
async function guest(wanted) {
  // the virtual machine's own file (test/ipvs-vm/run): anywhere else this would change a real host's network
  if (!existsSync('/run/job/command')) throw new Error('this part runs in the virtual machine only')
  setUp()
  for (const [i, scenario] of scenarios.entries()) {
    if (!wanted.test(scenario.name)) continue
    console.log(JSON.stringify({ kernel: release(), name: scenario.name, answers: await ask(scenario, 1000 + i) }))
    run('ipvsadm', ['-C'])
  }
}

async function host(wanted) {
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { answers: {} }
  const missing = scenarios.map(({ name }) => name).filter((name) => !before.answers[name])
  const filter = wanted === 'missing' ? `^(${missing.join('|')})$` : wanted
  const child = spawn(
    join(root, 'test/ipvs-vm/run'),
    [`exec '${process.execPath}' test/lib/record-schedulers.mjs guest '${filter}'`],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { IPVS_VM_TIMEOUT: '900', ...process.env } },
  )
  let text = ''
  for await (const piece of child.stdout) {
    text += piece
    process.stderr.write(String(piece).replace(/^(.{70}).*$/gm, '$1'))
  }
  const lines = text.split('\n').filter((line) => line.startsWith('{"kernel"'))
  // the last one may be cut off
  const got = lines.filter((line) => line.endsWith(']]}')).map((line) => JSON.parse(line))
  const answers = Object.fromEntries(
    scenarios.flatMap(({ name }) => {
      const found = got.find((one) => one.name === name)?.answers ?? before.answers[name]
      return found ? [[name, found]] : []
    }),
  )
  // a step's picks on one line
  const body = Object.entries(answers)
    .map(
      ([name, steps]) =>
        `  ${JSON.stringify(name)}: [\n${steps.map((s) => `   ${JSON.stringify(s)}`).join(',\n')}\n  ]`,
    )
    .join(',\n')
  const kernel = got[0]?.kernel ?? before.kernel
  writeFileSync(file, `{\n "command": "${command}",\n "kernel": "${kernel}",\n "answers": {\n${body}\n }\n}\n`)
  console.log(`${got.length} of ${scenarios.length} scenarios recorded`)
  process.exitCode = got.length > 0 ? 0 : 1
}

if (mode === 'guest') await guest(new RegExp(rest[0] ?? ''))
else await host(mode ?? '')
