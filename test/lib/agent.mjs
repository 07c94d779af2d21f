// The process inside a test host: opens sockets and reports, as host.mjs tells it. Each function below is one request.
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'

const sockets = new Map()
let nextSocket = 1
const servers = []
const CHUNK = 65536

/** Bytes that are told apart by their place, 64 KiB at a time. */
const block = Buffer.alloc(
  CHUNK,
  (() => {
    let x = 1
    const data = Buffer.alloc(CHUNK)
    for (let i = 0; i < CHUNK; i += 1) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0
      data[i] = x >>> 24
    }
    return data
  })(),
)

function digestOf(bytes) {
  const hash = createHash('sha256')
  for (let left = bytes; left > 0; left -= CHUNK) hash.update(block.subarray(0, Math.min(CHUNK, left)))
  return hash.digest('hex')
}

async function write(socket, bytes) {
  for (let left = bytes; left > 0; left -= CHUNK) {
    if (!socket.write(block.subarray(0, Math.min(CHUNK, left))))
      await new Promise((resolve, reject) => {
        const done = (error) => {
          socket.off('drain', done)
          socket.off('error', done)
          socket.off('close', closed)
          if (error) reject(error)
          else resolve()
        }
        const closed = () => done(new Error('closed while writing'))
        socket.on('drain', done)
        socket.on('error', done)
        socket.on('close', closed)
      })
  }
}

/** A PROXY protocol header of version 2 for TCP over IPv4: its length, and whom it names. */
const PROXY_HEADER = 28
function readProxyHeader(header) {
  const fixed = '0d0a0d0a000d0a515549540a2111000c'
  if (header.subarray(0, 16).toString('hex') !== fixed) throw new Error(`no PROXY header: ${header.toString('hex')}`)
  const [source, destination] = [16, 20].map((at) => [...header.subarray(at, at + 4)].join('.'))
  return `${source} ${header.readUInt16BE(24)} ${destination} ${header.readUInt16BE(26)}`
}

/** Takes the header off a connection, then converses; `proxied` answers whom it named. */
function converseProxied(socket, name) {
  let head = Buffer.alloc(0)
  socket.on('error', () => {})
  const take = (data) => {
    head = Buffer.concat([head, data])
    if (head.length < PROXY_HEADER) return
    socket.off('data', take)
    converse(socket, name, readProxyHeader(head.subarray(0, PROXY_HEADER)))
    if (head.length > PROXY_HEADER) socket.emit('data', head.subarray(PROXY_HEADER))
  }
  socket.on('data', take)
}

/** Lines of a client's, each answered: `name`, `echo TEXT`, `down BYTES`, `close`, `reset`; `up BYTES` is followed by them. */
function converse(socket, name, proxied) {
  let buffer = Buffer.alloc(0)
  let expecting = 0
  let hash
  socket.setNoDelay(true)
  socket.on('error', () => {})
  socket.on('data', (data) => {
    let rest = data
    while (rest.length > 0) {
      if (expecting > 0) {
        const part = rest.subarray(0, expecting)
        hash.update(part)
        expecting -= part.length
        rest = rest.subarray(part.length)
        if (expecting === 0) socket.write(`${hash.digest('hex')}\n`)
        continue
      }
      const end = rest.indexOf(10)
      if (end < 0) {
        buffer = Buffer.concat([buffer, rest])
        return
      }
      const line = Buffer.concat([buffer, rest.subarray(0, end)]).toString()
      buffer = Buffer.alloc(0)
      rest = rest.subarray(end + 1)
      const [word, argument] = line.split(' ')
      if (word === 'name') socket.write(`${name}\n`)
      if (word === 'proxied') socket.write(`${proxied}\n`)
      if (word === 'peer') socket.write(`${socket.remoteAddress} ${socket.remotePort}\n`)
      if (word === 'echo') socket.write(`${argument}\n`)
      if (word === 'close') socket.end()
      if (word === 'reset') socket.resetAndDestroy()
      if (word === 'up') {
        expecting = Number(argument)
        hash = createHash('sha256')
      }
      if (word === 'down') write(socket, Number(argument)).catch(() => {})
    }
  })
}

/** The next line from the other side, or undefined at its end. */
function line(entry) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const end = entry.input.indexOf(10)
      if (end >= 0) {
        const text = entry.input.subarray(0, end).toString()
        entry.input = entry.input.subarray(end + 1)
        return resolve(text)
      }
      if (entry.error) return reject(entry.error)
      if (entry.ended) return resolve(undefined)
      entry.wake = look
    }
    look()
  })
}

const udpClients = new Map()

const requests = {
  /** Listens on a TCP port; each connection converses as `name`. */
  async listen({ port, name, address = '0.0.0.0', proxy = false, greets = false }) {
    const server = createServer({ allowHalfOpen: false }, (socket) => {
      if (greets) socket.write('welcome\n')
      if (proxy) converseProxied(socket, name)
      else converse(socket, name)
    })
    await new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host: address, backlog: 4096 }, resolve)
    })
    servers.push(server)
  },

  /** Answers every datagram with `name` and what it was. */
  async listenUdp({ port, name, address = '0.0.0.0' }) {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.on('message', (data, from) => {
      if (data.length > 100)
        socket.send(`${name} ${createHash('sha256').update(data).digest('hex')}`, from.port, from.address)
      else socket.send(`${name} ${data}`, from.port, from.address)
    })
    await new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(port, address, resolve)
    })
    servers.push(socket)
  },

  /** Opens a TCP connection and returns its number. */
  async open({ host, port, localPort, localAddress, timeout = 10_000 }) {
    const socket = connect({ host, port, localPort, localAddress, noDelay: true })
    const entry = { socket, input: Buffer.alloc(0) }
    socket.on('data', (data) => {
      entry.input = Buffer.concat([entry.input, data])
      entry.wake?.()
    })
    socket.on('end', () => {
      entry.ended = true
      entry.wake?.()
    })
    socket.on('close', () => {
      entry.ended = true
      entry.wake?.()
    })
    const started = performance.now()
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        socket.destroy()
        reject(Object.assign(new Error('no answer'), { code: 'TIMEOUT' }))
      }, timeout)
      socket.once('connect', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.once('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
    })
    socket.on('error', (error) => {
      entry.error = error
      entry.wake?.()
    })
    const number = nextSocket
    nextSocket += 1
    sockets.set(number, entry)
    return { number, localPort: socket.localPort, milliseconds: performance.now() - started }
  },

  /** Opens many connections, some at a time, and returns their numbers. */
  async openMany({ count, at = 50, ...rest }) {
    const numbers = []
    for (let i = 0; i < count; i += at) {
      const opened = await Promise.all(Array.from({ length: Math.min(at, count - i) }, () => requests.open(rest)))
      numbers.push(...opened.map(({ number }) => number))
    }
    return numbers
  },

  /** The next line that the other side says. */
  async hear({ number }) {
    return await line(sockets.get(number))
  },

  /** Says a line on a connection and returns the answer. */
  async say({ number, text }) {
    const entry = sockets.get(number)
    if (entry.error) throw entry.error
    entry.socket.write(`${text}\n`)
    return await line(entry)
  },

  /** The same on many connections at once; the answers, or errors' codes. */
  async sayAll({ numbers, text }) {
    return Promise.all(numbers.map((number) => requests.say({ number, text }).catch((error) => error.code)))
  },

  /** Sends bytes up; true if they all arrived as they were. */
  async up({ number, bytes }) {
    const entry = sockets.get(number)
    entry.socket.write(`up ${bytes}\n`)
    await write(entry.socket, bytes)
    return (await line(entry)) === digestOf(bytes)
  },

  /** Fetches bytes down; true if they all arrived as they were sent. */
  async down({ number, bytes }) {
    const entry = sockets.get(number)
    const hash = createHash('sha256')
    let left = bytes
    entry.socket.removeAllListeners('data')
    const done = new Promise((resolve, reject) => {
      entry.wake = () => reject(entry.error ?? new Error('ended early'))
      entry.socket.on('data', (data) => {
        hash.update(data)
        left -= data.length
        if (left <= 0) resolve()
      })
    })
    entry.socket.write(`down ${bytes}\n`)
    await done
    entry.wake = undefined
    entry.socket.removeAllListeners('data')
    entry.socket.on('data', (data) => {
      entry.input = Buffer.concat([entry.input, data])
      entry.wake?.()
    })
    return hash.digest('hex') === digestOf(bytes)
  },

  /** Tries a connection from a port and breaks it off: whatever state the director has it in, a packet goes by. */
  async nudge({ host, port, localPort }) {
    const socket = connect({ host, port, localPort })
    await new Promise((resolve) => {
      socket.once('connect', resolve)
      socket.once('error', resolve)
    })
    socket.resetAndDestroy()
  },

  /** Closes a connection in order, and waits until the other side did too. */
  async end({ number }) {
    const { socket } = sockets.get(number)
    if (!socket.destroyed) {
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.end()
      await closed
    }
    sockets.delete(number)
  },

  /** Waits for the other side's end. */
  async ended({ number }) {
    const { socket } = sockets.get(number)
    if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve))
    sockets.delete(number)
  },

  async reset({ number }) {
    sockets.get(number).socket.resetAndDestroy()
    sockets.delete(number)
  },

  async resetAll() {
    for (const [number, { socket }] of sockets) {
      socket.resetAndDestroy()
      sockets.delete(number)
    }
  },

  /** Opens, asks for the name, closes: what `curl` does. */
  async name({ host, port, localPort, localAddress }) {
    const { number, milliseconds } = await requests.open({ host, port, localPort, localAddress })
    const name = await requests.say({ number, text: 'name' })
    await requests.end({ number })
    return { name, milliseconds }
  },

  async names({ host, port, count }) {
    const names = []
    for (let i = 0; i < count; i += 1) names.push((await requests.name({ host, port })).name)
    return names
  },

  /** Sends one datagram and waits for the answer, or for the ICMP error that came instead. Sockets stay open by key. */
  async udp({ host, port, text, bytes, key, localPort, timeout = 5000, tries = 1 }) {
    let socket = key === undefined ? undefined : udpClients.get(key)
    if (!socket) {
      socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
      await new Promise((resolve, reject) => {
        socket.once('error', reject)
        const go = () => socket.connect(port, host, (error) => (error ? reject(error) : resolve()))
        if (localPort) socket.bind(localPort, go)
        else go()
      })
      socket.removeAllListeners('error')
      if (key !== undefined) udpClients.set(key, socket)
    }
    try {
      for (let i = 1; ; i += 1) {
        const got = await new Promise((resolve, reject) => {
          const timer = setTimeout(() => finish(() => resolve(undefined)), timeout)
          // too long for the path, as it has just been learned: that is what another try is for
          const failed = (error) =>
            finish(() => (error.code === 'EMSGSIZE' && i < tries ? resolve(undefined) : reject(error)))
          const finish = (end) => {
            clearTimeout(timer)
            socket.removeAllListeners('message')
            socket.removeAllListeners('error')
            socket.on('error', () => {})
            end()
          }
          socket.once('message', (data) => finish(() => resolve(data.toString())))
          socket.once('error', failed)
          socket.send(bytes ? block.subarray(0, bytes) : text, (error) => {
            if (error) failed(error)
          })
        })
        if (got !== undefined) return bytes ? got.replace(digestOf(bytes), 'whole') : got
        if (i >= tries) throw Object.assign(new Error('no answer'), { code: 'TIMEOUT' })
      }
    } finally {
      if (key === undefined) socket.close()
    }
  },

  /** Datagrams from many sockets, some at a time; how many were answered. */
  async udpMany({ host, port, count, at = 20, timeout = 2000 }) {
    let answered = 0
    for (let i = 0; i < count; i += at) {
      await Promise.all(
        Array.from({ length: Math.min(at, count - i) }, () =>
          requests.udp({ host, port, text: 'x', timeout }).then(
            () => {
              answered += 1
            },
            () => {},
          ),
        ),
      )
    }
    return answered
  },
}

process.on('message', async ({ id, what, args }) => {
  try {
    process.send({ id, result: await requests[what](args) })
  } catch (error) {
    process.send({ id, error: { message: error.message, code: error.code } })
  }
})
process.on('disconnect', () => process.exit())
