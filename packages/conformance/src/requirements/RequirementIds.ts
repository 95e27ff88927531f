/**
 * The registry `requirements/ids.lock` of every id that a check, requirement, rule or reading ever had, one on a line. A
 * retired id keeps its line, with `gone` and the reason behind it, and is never reused.
 */
export const kinds = ["check", "reading", "requirement", "rule"] as const
export type Kind = (typeof kinds)[number]

export interface Entry {
  readonly kind: Kind
  readonly id: string
  /** Why the id was retired. */
  readonly gone?: string
}

const line = /^(check|reading|requirement|rule) (\S+)(?: gone: (\S.*))?$/
const isKind = (text: string | undefined): text is Kind => kinds.some((kind) => kind === text)

/**
 * The entries of the file; for any other line an `Error` that names it is thrown. Empty lines and `#` are
 * skipped.
 */
export const parseIds = (text: string): ReadonlyArray<Entry> =>
  text.split("\n").flatMap((one, index) => {
    if (one.trim() === "" || one.startsWith("#")) return []
    const [, kind, id, gone] = line.exec(one) ?? []
    if (!isKind(kind) || id === undefined) throw new Error(`ids.lock, line ${index + 1}: ${one}`)
    return [{ kind, id, ...(gone === undefined ? {} : { gone }) }]
  })

const nameOf = ({ kind, id }: Entry): string => `${kind} ${id}`

/** The file's text: by kind and id, so that two branches that add ids rarely meet on one line. */
export const printIds = (entries: ReadonlyArray<Entry>): string =>
  `# Every id that was ever given. Never remove a line: write "gone: <reason>" behind it.\n${entries
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .map((entry) => `${nameOf(entry)}${entry.gone === undefined ? "" : ` gone: ${entry.gone}`}\n`)
    .join("")}`

/** The differences between the ids in use and the registered ones, as messages. */
export const idFaults = (locked: ReadonlyArray<Entry>, used: ReadonlyArray<Entry>): ReadonlyArray<string> => {
  const known = new Map(locked.map((entry) => [nameOf(entry), entry]))
  const names = new Set(used.map(nameOf))
  const twice = locked.map(nameOf).filter((name, index, all) => all.indexOf(name) !== index)
  return [
    ...twice.map((name) => `${name} is registered twice`),
    ...[...names].filter((name) => !known.has(name)).map((name) => `${name} is not registered`),
    ...[...names].filter((name) => known.get(name)?.gone !== undefined).map((name) => `${name} is retired, but used`),
    ...locked
      .filter((entry) => entry.gone === undefined && !names.has(nameOf(entry)))
      .map((entry) => `${nameOf(entry)} is no longer used: append the reason, as "gone: …"`)
  ]
}
