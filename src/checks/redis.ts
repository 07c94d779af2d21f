import { type Check, failed, ok } from './check.js'
import { talk } from './stream.js'

/** The server answers PING with PONG; with `password` it is told that first. */
export function redisCheck(options: { readonly password?: string; readonly user?: string } = {}): Check {
  return (target, { signal }) =>
    talk(target, signal, async (peer) => {
      if (options.password !== undefined) {
        peer.write(command('AUTH', ...(options.user === undefined ? [] : [options.user]), options.password))
        const answer = await peer.line()
        if (answer !== '+OK') return failed(`AUTH: ${answer}`)
      }
      peer.write(command('PING'))
      const answer = await peer.line()
      return answer === '+PONG' ? ok('PONG') : failed(`PING: ${answer}`)
    })
}

/** RESP: an array of strings, each with its length in bytes. */
function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}
