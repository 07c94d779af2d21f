/** The word of a list that somebody most likely meant: at most a third of its letters wrong. */
export function suggestion(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  const plain = simplified(word)
  for (const each of known) {
    const far = distance(plain, simplified(each))
    if (far < least && far <= Math.max(1, Math.floor(Math.max(word.length, each.length) / 3))) {
      best = each
      least = far
    }
  }
  return best
}

/** Capitals and what stands between words make no difference. */
const simplified = (word: string) => word.toLowerCase().replaceAll(/[-_ ]/g, '')

/** Damerau and Levenshtein's distance (optimal string alignment). */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, (beforeLast[j - 2] as number) + 1)
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] as number
}

/** ` (did you mean x?)`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const found = suggestion(word, known)
  return found === undefined ? '' : ` (did you mean ${found}?)`
}
