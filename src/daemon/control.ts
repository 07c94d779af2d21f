import { chmodSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { ConfigError } from '../config/index.js'
import { SluiceError } from '../errors.js'
import { removeFile } from './files.js'

/** What a daemon does when it is told to, by the path of the request. Bodies and answers are JSON. */
export type Handlers = Readonly<Record<string, (body: unknown) => unknown>>

/** The most that a request may hold, bytes. */
const LARGEST = 64 << 20

/** Listens on a socket of the file system that only root can reach, by HTTP. */
export async function listen(path: string, handlers: Handlers): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(request, handlers).then(({ status, body }) => {
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(body, plain))
    })
  })
  // left by one that was killed: whoever holds the lock may take its place
  removeFile(path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return server
}

const plain = (_: string, value: unknown) =>
  typeof value === 'bigint'
    ? Number(value)
    : value instanceof Set
      ? [...value]
      : value instanceof RegExp
        ? String(value)
        : value

async function answer(request: IncomingMessage, handlers: Handlers): Promise<{ status: number; body: unknown }> {
  try {
    const handler = Object.hasOwn(handlers, request.url ?? '') ? handlers[request.url ?? ''] : undefined
    if (!handler) return { status: 404, body: { message: `there is no ${request.url}` } }
    const text = await read(request)
    return { status: 200, body: (await handler(text === '' ? {} : JSON.parse(text))) ?? {} }
  } catch (error) {
    return { status: 400, body: failure(error) }
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.byteLength
    if (size > LARGEST) throw new Error(`more than ${LARGEST} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

/** An error as it goes over the socket, to be thrown again at the other end. */
export interface Failure {
  readonly message: string
  readonly code?: SluiceError['code']
  readonly details?: SluiceError['details']
  readonly problems?: ConfigError['problems']
}

function failure(error: unknown): Failure {
  if (error instanceof ConfigError) return { message: error.message, code: error.code, problems: error.problems }
  if (SluiceError.is(error)) return { message: error.message, code: error.code, details: error.details }
  return { message: error instanceof Error ? error.message : String(error) }
}
