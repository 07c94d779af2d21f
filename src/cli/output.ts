/** JSON for a program that reads it; a bigint becomes a number, or text where a number would lose digits. */
export const printJson = (value: unknown): void => print(JSON.stringify(value, plain, 2))

function plain(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
}

export const print = (...lines: string[]): void => {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''))
}

/** Columns as wide as their widest cell, two spaces apart. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  for (const row of [head, ...rows]) {
    print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  }
}
