// A process that edits a table, for the tests of two at once and of one that is killed. Arguments: service port, first
// server port, and how many edits (0: until it is killed); `make` only makes the table, with a first service. It runs in the director's namespace.
import { Director } from '../../dist/index.js'

if (process.argv[2] === 'make') {
  Director.open().addService({ protocol: 'tcp', address: '198.18.0.100', port: 1 }, { scheduler: 'rr' })
  process.exit()
}
const [port, first, edits] = process.argv.slice(2).map(Number)
const director = Director.open()
const key = { protocol: 'tcp', address: '198.18.0.100', port }
const options = (weight) => ({ method: 'masq', weight })
process.send?.('ready')
for (let i = 0; edits === 0 || i < edits; i += 1) {
  const server = { address: '198.18.1.11', port: first + (edits === 0 ? i % 20 : i) }
  const known = edits === 0 && director.service(key).servers.some((each) => each.port === server.port)
  if (!known) director.addServer(key, server, options(1))
  director.editServer(key, server, options(2 + (i % 5)))
  if (known || i % 3 === 0) director.deleteServer(key, server)
  if (edits === 0 && i % 7 === 0) {
    const passing = { ...key, port: port + 1 }
    if (director.service(passing)) director.deleteService(passing)
    director.addService(passing, { scheduler: 'wrr' })
    director.addServer(passing, server, options(3))
    director.editService(key, { scheduler: ['rr', 'mh', 'wrr', 'lblc', 'sh', 'wlc'][i % 6] })
  }
}
director.close()
