import { type Check, failed, ok } from './check.js'
import { type Conversation, talk } from './stream.js'

/** The server greets with 220 and takes HELO with 250 (RFC 5321 section 4.2). */
export function smtpCheck(options: { readonly helo?: string } = {}): Check {
  return (target, { signal }) =>
    talk(target, signal, async (peer) => {
      const greeting = await reply(peer)
      if (!greeting.startsWith('220')) return failed(`greeting: ${greeting}`)
      peer.write(`HELO ${options.helo ?? 'sluice.invalid'}\r\n`)
      const answer = await reply(peer)
      if (!answer.startsWith('250')) return failed(`HELO: ${answer}`)
      peer.write('QUIT\r\n')
      await reply(peer)
      return ok(greeting)
    })
}

/** The last line of a reply; those before it have a hyphen behind the code. */
async function reply(peer: Conversation): Promise<string> {
  for (;;) {
    const line = await peer.line()
    if (line[3] !== '-') return line
  }
}
