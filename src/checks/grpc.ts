import { connect } from 'node:http2'
import { type Check, failed, ok } from './check.js'
import { dial } from './stream.js'

const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']
const PATH = '/grpc.health.v1.Health/Check'

/** gRPC's health protocol, version 1: the server, or one of its services, says that it is SERVING. */
export function grpcCheck(options: { readonly service?: string; readonly tls?: boolean } = {}): Check {
  return async (target, { signal }) => {
    const { address, port } = target
    const host = address.includes(':') ? `[${address}]` : address
    const session = connect(`${options.tls ? 'https' : 'http'}://${host}:${port}`, {
      createConnection: () =>
        dial(target, options.tls ? { rejectUnauthorized: false, ALPNProtocols: ['h2'] } : undefined),
    })
    try {
      return await new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        session.once('error', reject)
        const stream = session.request({
          ':method': 'POST',
          ':path': PATH,
          'content-type': 'application/grpc',
          te: 'trailers',
        })
        const parts: Buffer[] = []
        let code: string | undefined
        const note = (headers: Record<string, unknown>) => {
          if (headers['grpc-status'] !== undefined) code = String(headers['grpc-status'])
        }
        stream.on('response', note)
        stream.on('trailers', note)
        stream.on('data', (data: Buffer) => parts.push(data))
        stream.once('error', reject)
        stream.once('end', () => {
          if (code !== undefined && code !== '0') return resolve(failed(`gRPC status ${code}`))
          const status = servingStatus(Buffer.concat(parts))
          return resolve(status === 'SERVING' ? ok(status) : failed(status))
        })
        stream.end(message(request(options.service ?? '')))
      })
    } finally {
      session.destroy()
    }
  }
}

/** HealthCheckRequest: `string service = 1`. Names are shorter than 128 bytes. */
function request(service: string): Buffer {
  const name = Buffer.from(service)
  return name.byteLength === 0 ? name : Buffer.concat([Buffer.of(0x0a, name.byteLength), name])
}

/** gRPC over HTTP/2: not compressed, length, message. */
function message(body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.byteLength, 1)
  return Buffer.concat([head, body])
}

/** HealthCheckResponse: `ServingStatus status = 1`; what is not sent is 0. */
function servingStatus(data: Buffer): string {
  if (data.byteLength < 5) return 'no answer'
  const body = data.subarray(5)
  const status = body[0] === 0x08 ? (body[1] ?? 0) : 0
  return statuses[status] ?? `status ${status}`
}
