import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import {
  attempt,
  type Check,
  dnsCheck,
  grpcCheck,
  httpCheck,
  pingCheck,
  redisCheck,
  scriptCheck,
  smtpCheck,
  tcpCheck,
  udpCheck,
} from './index.js'

const LOOPBACK = '127.0.0.1'
const run = (check: Check, port: number, timeout = 2000) => attempt(check, { address: LOOPBACK, port }, timeout)

/** A server that stands until the test is over. @returns its port */
async function listen(t: TestContext, talk: (socket: Socket) => void): Promise<number> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    talk(socket)
  }).listen(0, LOOPBACK)
  t.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function http(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createHttp(answer).listen(0, LOOPBACK)
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A port that nobody listens on. */
async function nobody(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A server that answers each line. */
const dialogue = (t: TestContext, greeting: string, answers: Record<string, string>) =>
  listen(t, (socket) => {
    socket.write(greeting)
    socket.on('data', (data) => {
      for (const line of data.toString().split('\r\n')) if (answers[line]) socket.write(answers[line])
    })
  })

test('TCP: a connection is enough; nobody there is said by name', async (t) => {
  assert.deepEqual(await run(tcpCheck, await listen(t, () => {})), { ok: true, reason: 'connected' })
  assert.deepEqual(await run(tcpCheck, await nobody()), { ok: false, reason: 'connection refused' })
})

test('a server that says nothing: every kind of check ends with its time', async (t) => {
  const port = await listen(t, () => {})
  for (const check of [httpCheck(), redisCheck(), smtpCheck(), grpcCheck(), httpCheck({ tls: true })])
    assert.deepEqual(await run(check, port, 50), { ok: false, reason: 'no answer within 50 ms' })
  const silent = createSocket('udp4').bind(0, LOOPBACK)
  await once(silent, 'listening')
  t.after(() => silent.close())
  for (const check of [dnsCheck(), udpCheck({ requireReply: true })])
    assert.equal((await run(check, silent.address().port, 50)).reason, 'no answer within 50 ms')
})

test('HTTP: status, site, body and digest as agreed', async (t) => {
  const port = await http(t, (request, response) => {
    response.statusCode = request.url === '/ill' ? 503 : request.url === '/moved' ? 302 : 200
    response.end(`site ${request.headers.host}`)
  })
  assert.deepEqual(await run(httpCheck(), port), { ok: true, reason: '200 OK' })
  assert.deepEqual(await run(httpCheck({ path: '/ill' }), port), { ok: false, reason: '503 Service Unavailable' })
  assert.equal((await run(httpCheck({ path: '/moved' }), port)).ok, false, 'a redirect is not followed')
  assert.equal((await run(httpCheck({ path: '/moved', status: [[300, 399]] }), port)).ok, true)
  assert.equal((await run(httpCheck({ host: 'www.example', body: /^site www\.example$/ }), port)).ok, true)
  assert.match((await run(httpCheck({ body: /another/ }), port)).reason, /the body lacks/)
  const digest = createHash('md5').update(`site ${LOOPBACK}`).digest('hex')
  assert.equal((await run(httpCheck({ digest }), port)).ok, true)
  assert.match((await run(httpCheck({ digest: '0'.repeat(32) }), port)).reason, /digest is/)
})

test('HTTP: what is no HTTP, and a body without end', async (t) => {
  const other = await listen(t, (socket) => socket.end('SSH-2.0\r\n'))
  assert.equal((await run(httpCheck(), other)).ok, false)
  const endless = await http(t, (_request, response) => {
    const chunk = Buffer.alloc(1 << 16)
    const more = () => response.write(chunk, () => !response.destroyed && more())
    response.on('error', () => {})
    more()
  })
  assert.match((await run(httpCheck({ body: /x/ }), endless)).reason, /larger than/)
})

test('Redis: PONG, after the password where one is set', async (t) => {
  const port = await dialogue(t, '', { PING: '+PONG\r\n', secret: '+OK\r\n', wrong: '-WRONGPASS\r\n' })
  assert.deepEqual(await run(redisCheck(), port), { ok: true, reason: 'PONG' })
  assert.deepEqual(await run(redisCheck({ password: 'secret' }), port), { ok: true, reason: 'PONG' })
  assert.deepEqual(await run(redisCheck({ password: 'wrong' }), port), { ok: false, reason: 'AUTH: -WRONGPASS' })
  const loading = await dialogue(t, '', { PING: '-LOADING\r\n' })
  assert.deepEqual(await run(redisCheck(), loading), { ok: false, reason: 'PING: -LOADING' })
})

test('SMTP: a greeting of several lines, and HELO', async (t) => {
  const answers = { 'HELO me': '250 hello\r\n', QUIT: '221 bye\r\n' }
  const port = await dialogue(t, '220-first\r\n220 ready\r\n', answers)
  assert.deepEqual(await run(smtpCheck({ helo: 'me' }), port), { ok: true, reason: '220 ready' })
  const full = await dialogue(t, '421 too busy\r\n', {})
  assert.deepEqual(await run(smtpCheck(), full), { ok: false, reason: 'greeting: 421 too busy' })
})

test('DNS: an answer without an error, of this very question', async (t) => {
  const server = createSocket('udp4').bind(0, LOOPBACK)
  await once(server, 'listening')
  t.after(() => server.close())
  let code = 0
  server.on('message', (question, { port }) => {
    const answer = Buffer.from(question)
    answer.writeUInt16BE(0x8180 | code, 2)
    answer.writeUInt16BE(1, 6)
    const stranger = Buffer.from(answer)
    stranger.writeUInt16BE(question.readUInt16BE(0) ^ 1, 0)
    stranger.writeUInt16BE(0x8182, 2)
    server.send(stranger, port, LOOPBACK)
    server.send(answer, port, LOOPBACK)
  })
  const { port } = server.address()
  assert.deepEqual(await run(dnsCheck(), port), { ok: true, reason: '. SOA: 1 answers' })
  code = 3
  const missing = await run(dnsCheck({ name: 'a.example', type: 'A' }), port)
  assert.deepEqual(missing, { ok: false, reason: 'a.example A: NXDOMAIN' })
})

test('UDP: alive unless refused, or by a reply as agreed', async (t) => {
  const server = createSocket('udp4').bind(0, LOOPBACK)
  await once(server, 'listening')
  t.after(() => server.close())
  server.on('message', (data, { port }) => data.byteLength > 0 && server.send('pong', port, LOOPBACK))
  const { port } = server.address()
  assert.deepEqual(await run(udpCheck(), port), { ok: true, reason: 'not refused' })
  assert.deepEqual(await run(udpCheck(), await nobody()), { ok: false, reason: 'connection refused' })
  const ask = { payload: Buffer.from('ping'), requireReply: true }
  assert.equal((await run(udpCheck({ ...ask, reply: /pong/ }), port)).ok, true)
  assert.match((await run(udpCheck({ ...ask, reply: /other/ }), port)).reason, /lacks/)
  assert.equal((await run(udpCheck({ ...ask, minReply: 5 }), port)).reason, 'a reply of 4 bytes')
})

test('gRPC: SERVING, of the server or of one service', async (t) => {
  const server = createHttp2().listen(0, LOOPBACK)
  t.after(() => server.close())
  await once(server, 'listening')
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    assert.equal(headers[':path'], '/grpc.health.v1.Health/Check')
    const parts: Buffer[] = []
    stream.on('data', (data: Buffer) => parts.push(data))
    stream.on('end', () => {
      const name = Buffer.concat(parts).subarray(7).toString()
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': name === 'none' ? '5' : '0' }))
      stream.end(name === 'none' ? '' : Buffer.of(0, 0, 0, 0, 2, 8, name === 'ill' ? 2 : 1))
    })
  })
  const { port } = server.address() as AddressInfo
  assert.deepEqual(await run(grpcCheck(), port), { ok: true, reason: 'SERVING' })
  assert.deepEqual(await run(grpcCheck({ service: 'ill' }), port), { ok: false, reason: 'NOT_SERVING' })
  assert.deepEqual(await run(grpcCheck({ service: 'none' }), port), { ok: false, reason: 'gRPC status 5' })
})

test('script: keepalived’s exit statuses, the server in its environment; one that hangs is killed with what it started', async () => {
  const script = (text: string, dynamicWeight = false) =>
    run(scriptCheck({ command: ['sh', '-c', text], dynamicWeight }), 80, 1000)
  assert.equal((await script('test "$SLUICE_ADDRESS:$SLUICE_PORT" = 127.0.0.1:80')).ok, true)
  assert.deepEqual(await script('exit 1'), { ok: false, reason: 'exit status 1' })
  assert.deepEqual(await script('exit 12'), { ok: true, reason: 'exit status 12' })
  assert.deepEqual(await script('exit 12', true), { ok: true, reason: 'weight 10', weight: 10 })
  assert.equal((await run(scriptCheck({ command: ['/none'] }), 80)).ok, false)
  assert.equal((await run(scriptCheck({ command: ['sh', '-c', 'sleep 60 & sleep 60'] }), 80, 100)).ok, false)
})

test('ping: the host answers', async () => {
  assert.deepEqual(await run(pingCheck, 0), { ok: true, reason: 'echo reply' })
})
