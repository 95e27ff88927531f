/**
 * Ids are for ever: `requirements/ids.lock` has every id that was ever given to a check, a requirement or a reading, one
 * on a line. An id that is given up keeps its line, with `gone` and the reason behind it, and is never given again.
 */
export const kinds = ["check", "reading", "requirement"] as const
export type Kind = (typeof kinds)[number]

export interface Entry {
  readonly kind: Kind
  readonly id: string
  /** Why it was given up. */
  readonly gone?: string
}

const line = /^(check|reading|requirement) (\S+)(?: gone: (\S.*))?$/
const isKind = (text: string | undefined): text is Kind => kinds.some((kind) => kind === text)

/** The entries of the file; what is no entry is thrown as an `Error` that names the line. Empty lines and `#` are skipped. */
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

/** What is wrong between the ids in use and those that are registered, in words. */
export const idFaults = (locked: ReadonlyArray<Entry>, used: ReadonlyArray<Entry>): ReadonlyArray<string> => {
  const known = new Map(locked.map((entry) => [nameOf(entry), entry]))
  const names = new Set(used.map(nameOf))
  const twice = locked.map(nameOf).filter((name, index, all) => all.indexOf(name) !== index)
  return [
    ...twice.map((name) => `${name} is registered twice`),
    ...[...names].filter((name) => !known.has(name)).map((name) => `${name} is not registered`),
    ...[...names]
      .filter((name) => known.get(name)?.gone !== undefined)
      .map((name) => `${name} was given up, and is used`),
    ...locked
      .filter((entry) => entry.gone === undefined && !names.has(nameOf(entry)))
      .map((entry) => `${nameOf(entry)} is not used any more: write why behind it, as "gone: …"`)
  ]
}
