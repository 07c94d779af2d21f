import { connect, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { markedSocket } from '../kernel/index.js'
import type { Target } from './check.js'

/** The most that a check reads of an answer, bytes: more is not a health check's business. */
export const MOST_READ = 1 << 20

/** What TLS is to be like. */
export interface TlsOptions {
  /** SNI; empty: none. */
  readonly servername?: string
  readonly rejectUnauthorized: boolean
  readonly ALPNProtocols?: string[]
}

/** A connection on its way. @throws KernelError where there is no way to the server */
export function dial({ address, port, source, through }: Target, tls?: TlsOptions): Socket {
  if (!through) {
    const place = { host: address, port, ...(source === undefined ? {} : { localAddress: source }) }
    return tls ? connectTls({ ...place, ...tls }) : connect(place)
  }
  const { mark, server } = through
  const socket = new Socket({ fd: markedSocket({ type: 'stream', mark, towards: server, source }) })
  socket.connect({ host: address, port })
  return tls ? connectTls({ socket, ...tls }) : socket
}

/** A connection that goes away with the signal. */
export async function open(target: Target, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = dial(target)
  signal.addEventListener('abort', () => socket.destroy(), { once: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('connection closed')))
  })
  return socket
}

/** Lines and bytes of a connection, as a check asks for them. */
export class Conversation {
  #seen = Buffer.alloc(0)
  #failure: Error | undefined
  #wake = () => {}

  constructor(readonly socket: Socket) {
    socket.on('data', (data: Buffer) => {
      this.#seen = Buffer.concat([this.#seen, data])
      if (this.#seen.byteLength > MOST_READ) this.#fail(new Error('an endless answer'))
      this.#wake()
    })
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('connection closed before the answer')))
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }

  write(data: string | Uint8Array): void {
    this.socket.write(data)
  }

  /** The next line, without its end (CR LF, or LF). */
  async line(): Promise<string> {
    const end = await this.#until(() => {
      const at = this.#seen.indexOf(10)
      return at < 0 ? undefined : at
    })
    const line = this.#seen.toString('latin1', 0, end)
    this.#seen = this.#seen.subarray(end + 1)
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }

  async #until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      if (this.#failure) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/** Opens, talks, and closes whatever happens. */
export async function talk<T>(
  target: Target,
  signal: AbortSignal,
  work: (peer: Conversation) => Promise<T>,
): Promise<T> {
  const socket = await open(target, signal)
  try {
    return await work(new Conversation(socket))
  } finally {
    socket.destroy()
  }
}
