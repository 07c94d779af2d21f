/** What a line that begins with `~SEQ(...)` or `~LST(...)` is repeated with. */
export interface Repetition {
  /** One round each: names and their values. */
  readonly values: Iterable<readonly (readonly [name: string, value: string])[]>
  /** What is repeated. */
  readonly rest: string
}

/** @returns undefined for a line that begins with none, or with one that cannot be understood */
export function repetitions(line: string): Repetition | undefined {
  const [, kind, inside, rest] = /^~(SEQx?|LST)\(([^()]*)\)\s*(.*)$/s.exec(line) ?? []
  if (inside === undefined || rest === undefined) return undefined
  const values = kind === 'LST' ? list(inside) : sequence(inside, kind === 'SEQx')
  return values && { values, rest }
}

function sequence(inside: string, hexadecimal: boolean): Repetition['values'] | undefined {
  const [name = '', ...words] = inside.split(',').map((word) => word.trim())
  const numbers = words.map(whole)
  if (!isName(name) || numbers.length < 1 || numbers.length > 3 || numbers.includes(undefined)) return undefined
  const [a = 0, b, c] = numbers as number[]
  const end = c ?? b ?? a
  const start = b === undefined ? (end < 0 ? -1 : 1) : a
  const step = c === undefined ? (end < start ? -1 : 1) : (b as number)
  if (step === 0) return undefined
  return count(name, start, step, end, hexadecimal)
}

function* count(name: string, start: number, step: number, end: number, hexadecimal: boolean) {
  for (let value = start; step > 0 ? value <= end : value >= end; value += step)
    yield [[name, value.toString(hexadecimal ? 16 : 10)]] as const
}

function whole(text: string): number | undefined {
  const [, sign, digits] = /^([-+]?)(0x[0-9a-f]{1,8}|\d{1,10})$/i.exec(text) ?? []
  return digits === undefined ? undefined : Number(digits) * (sign === '-' ? -1 : 1)
}

const isName = (text: string) => /^[A-Za-z_]\w*$/.test(text)

/** `var, a, b` or `{var1, var2}, {a, b}, {c, d}`. */
function list(inside: string): Repetition['values'] | undefined {
  const items = [...inside.matchAll(/\s*(?:\{([^{}]*)\}|([^,{}]*))\s*(?:,|$)/g)]
    .filter(([own]) => own !== '')
    .map(([, several, one]) => (several ?? one ?? '').split(',').map((word) => word.trim()))
  const [names = [], ...rounds] = items
  if (!names.every(isName) || rounds.length === 0) return undefined
  if (rounds.some((values) => values.length !== names.length)) return undefined
  return rounds.map((values) => names.map((name, i) => [name, values[i] as string] as const))
}
