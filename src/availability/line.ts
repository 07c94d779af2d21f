import { crc32 } from 'node:zlib'

/** A line of the record: the checksum of what follows, a space, JSON. */
export function writeLine(value: unknown): string {
  const text = JSON.stringify(value)
  return `${checksum(text)} ${text}\n`
}

/** @returns undefined for a line that is not as it was written */
export function readLine(line: string): unknown {
  const text = line.slice(9)
  if (line[8] !== ' ' || checksum(text) !== line.slice(0, 8)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const checksum = (text: string) => crc32(text).toString(16).padStart(8, '0')
