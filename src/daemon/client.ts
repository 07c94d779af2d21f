import { request } from 'node:http'
import { ConfigError } from '../config/index.js'
import { SluiceError } from '../errors.js'
import type { Failure } from './control.js'
import { daemonFile } from './files.js'

/**
 * Asks the daemon of this network namespace.
 * @throws SluiceError SLUICE_NO_DAEMON, SLUICE_DAEMON, and whatever the daemon refuses
 */
export async function askDaemon<T>(path: string, body: unknown = {}): Promise<T> {
  const { status, text } = await post(daemonFile('sock'), path, JSON.stringify(body))
  const answer = JSON.parse(text) as T | Failure
  if (status === 200) return answer as T
  const { message, code, details, problems } = answer as Failure
  if (problems) throw new ConfigError(problems)
  if (code) throw new SluiceError(code, details)
  throw new SluiceError('SLUICE_DAEMON', { reason: message })
}

function post(socketPath: string, path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath, path, method: 'POST', headers: { 'Content-Length': Buffer.byteLength(body) } },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }))
        response.on('error', reject)
      },
    )
    call.on('error', (error: NodeJS.ErrnoException) => {
      const none = error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
      reject(none ? new SluiceError('SLUICE_NO_DAEMON') : new SluiceError('SLUICE_DAEMON', { reason: error.message }))
    })
    call.end(body)
  })
}
