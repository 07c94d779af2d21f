// Runs on the client: SYNs from addresses that never answer, so many a second, while connections of its own are opened.
// `flood-client.mjs IFINDEX OWN-LINK-ADDRESS DIRECTORS-LINK-ADDRESS VIP RATE SECONDS` prints JSON.
import { connect } from 'node:net'
import { closeFd, packetSender, sendFrame } from '../../dist/kernel/index.js'
import { frame, ipv4, Protocol, tcp } from '../../test/lib/packet.mjs'

const [index = '', from = '', to = '', destination = '', rate = '0', seconds = '0'] = process.argv.slice(2)
/** Milliseconds between two connections; until a connection counts as refused. */
const PACE = 4
const PATIENCE = 5000
const BLOCK = 1000

/** The spoofed SYN with number n. @param {number} n */
function spoofed(n) {
  const source = `100.${64 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${n & 255}`
  const ports = { source, destination, sport: 1024 + (n % 60_000), dport: 80 }
  return frame({
    to,
    from,
    packet: ipv4({ source, destination, protocol: Protocol.TCP, payload: tcp({ ...ports, flags: 'syn' }) }),
  })
}

/** @returns {Promise<number | undefined>} milliseconds until the server answered */
const open = () =>
  new Promise((resolve) => {
    const started = performance.now()
    const socket = connect(80, destination)
    const end = (/** @type {number | undefined} */ result) => {
      socket.resetAndDestroy()
      resolve(result)
    }
    socket.setTimeout(PATIENCE, () => end(undefined))
    socket.on('error', () => end(undefined))
    socket.on('connect', () => socket.write('GET / HTTP/1.0\r\n\r\n'))
    socket.once('data', () => end(performance.now() - started))
  })

const socket = packetSender()
/** @type {Promise<number | undefined>[]} */
const clients = []
const started = performance.now()
let sent = 0
for (let now = 0; now < Number(seconds) * 1000; now = performance.now() - started) {
  const due = Math.min((now * Number(rate)) / 1000, sent + BLOCK)
  while (sent < due) sendFrame(socket, Number(index), spoofed(sent++))
  while (clients.length < now / PACE) clients.push(open())
  await new Promise((resolve) => setTimeout(resolve, 1))
}
const took = (performance.now() - started) / 1000
const waits = await Promise.all(clients)
closeFd(socket)
const served = waits.filter((wait) => wait !== undefined).sort((a, b) => a - b)
console.log(
  JSON.stringify({
    rate: sent / took,
    clients: waits.length,
    served: served.length,
    medianMs: served[served.length >> 1],
    slowestMs: served.at(-1),
  }),
)
