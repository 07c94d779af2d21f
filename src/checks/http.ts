import { createHash } from 'node:crypto'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Check, failed, type Outcome, ok } from './check.js'
import { dial, MOST_READ } from './stream.js'

export interface HttpCheckOptions {
  readonly path?: string
  /** HTTP method; default GET. */
  readonly method?: string
  /** Name of the site: the Host header, and with TLS the server name (SNI). Default: the server's address. */
  readonly host?: string
  readonly tls?: boolean
  /** TLS: is the certificate looked at? Default no: the server is known by its address. */
  readonly verify?: boolean
  /** Accepted status codes, as ranges with both ends. Default 200 to 299. */
  readonly status?: readonly (readonly [number, number])[]
  /** What must be found in the body. */
  readonly body?: RegExp
  /** MD5 of the body, hexadecimal: keepalived's digest. */
  readonly digest?: string
  readonly headers?: Readonly<Record<string, string>>
}

const SUCCESS = [[200, 299]] as const

/** The server answers a request as agreed. Redirects are answers like any other. */
export function httpCheck(options: HttpCheckOptions = {}): Check {
  return async (target, { signal }) => {
    const { host = target.address, path = '/', method = 'GET', headers = {} } = options
    const tls = options.tls ? { servername: serverName(host), rejectUnauthorized: options.verify ?? false } : undefined
    const send = options.tls ? httpsRequest : httpRequest
    const request = send({
      host: target.address,
      port: target.port,
      path,
      method,
      headers: { 'User-Agent': 'Sluice', Connection: 'close', ...headers, Host: host },
      signal,
      createConnection: () => dial(target, tls),
    })
    try {
      return await judge(await answered(request), options)
    } finally {
      request.destroy()
    }
  }
}

/** RFC 6066 section 3: no address is a server name. */
const serverName = (host: string) => (/^[\d.]+$|:/.test(host) ? '' : host)

function answered(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
    request.end()
  })
}

async function judge(response: IncomingMessage, options: HttpCheckOptions): Promise<Outcome> {
  const status = response.statusCode ?? 0
  const seen = `${status} ${response.statusMessage ?? ''}`.trim()
  if (!(options.status ?? SUCCESS).some(([low, high]) => status >= low && status <= high)) return failed(seen)
  if (!options.body && !options.digest) return ok(seen)
  const body = await read(response)
  if (options.body && !options.body.test(body.toString())) return failed(`${seen}, but the body lacks ${options.body}`)
  if (options.digest) {
    const digest = createHash('md5').update(body).digest('hex')
    if (digest !== options.digest.toLowerCase()) return failed(`${seen}, but the body's digest is ${digest}`)
  }
  return ok(seen)
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part)
    size += part.byteLength
    if (size > MOST_READ) throw new Error(`the body is larger than ${MOST_READ} bytes`)
  }
  return Buffer.concat(parts)
}
