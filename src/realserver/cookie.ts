import { statSync } from 'node:fs'

/** A number that no other network namespace of this machine has. */
export function namespaceCookie(): string {
  return String(statSync('/proc/self/ns/net').ino)
}
