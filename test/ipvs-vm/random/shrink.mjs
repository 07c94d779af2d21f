// Makes a sequence that differs as short as it can be: takes steps away, and lines of steps, as long as it still differs.

/**
 * @param {import('./generate.mjs').Sequence} sequence
 * @param {(sequence: object) => object | undefined} differs runs one and says where it differs
 * @param {object} first where it differs as it is
 * @param {number} milliseconds when to stop
 */
export function shrink(sequence, differs, first, milliseconds) {
  const until = performance.now() + milliseconds
  let best = first.at >= 0 ? { ...sequence, steps: sequence.steps.slice(0, first.at + 1) } : sequence
  let found = first
  let tries = 0
  const attempt = (steps) => {
    if (performance.now() > until) return false
    tries += 1
    const next = { ...best, steps }
    const now = differs(next)
    if (!now) return false
    best = next
    found = now
    return true
  }
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = best.steps.length - size; at >= 0; at -= size)
      attempt([...best.steps.slice(0, at), ...best.steps.slice(at + size)])
  }
  for (let at = best.steps.length - 1; at >= 0; at -= 1) {
    const { op, lines } = best.steps[at]
    if (op !== 'admin') continue
    for (let line = lines.length - 1; line >= 0 && best.steps[at].lines.length > 1; line -= 1) {
      const less = { op, lines: best.steps[at].lines.filter((_, i) => i !== line) }
      attempt(best.steps.map((step, i) => (i === at ? less : step)))
    }
  }
  return { sequence: best, found, tries }
}
