// Which of the recorded cases a replay takes: all, those whose name GOLDEN_CASES matches, or every Nth (GOLDEN_SHARE=I/N).
import { readFileSync } from 'node:fs'

/**
 * The cases asked for, of a file.
 * @param {string} file
 * @returns {{ name: string, steps: any[] }[]}
 */
export function casesAsked(file) {
  const wanted = new RegExp(process.env.GOLDEN_CASES ?? '')
  const [share = 1, shares = 1] = (process.env.GOLDEN_SHARE ?? '1/1').split('/').map(Number)
  return JSON.parse(readFileSync(file, 'utf8'))
    .filter((_, i) => i % shares === share - 1)
    .filter((one) => wanted.test(one.name))
}
