/**
 * `node packages/conformance/scripts/statements.ts`: prints statements of the documents without a requirement, keys without
 * a statement, and copied sentences; exit code 1 if there are any. `--all` prints every statement with its key. `--write`
 * records the hashes at the head of `requirements/<protocol>.txt`: of the keys of all statements, and of the present Chinese
 * sentences, which were then compared with the document.
 */
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { document, documents, readings, requirements } from "../src/requirements/Requirements.ts"
import { type Statement, statements } from "../src/requirements/RequirementText.ts"
import { documentOf } from "./Documents.ts"

export interface Gaps {
  /** Statements without a requirement and not set aside. */
  readonly open: ReadonlyArray<Statement>
  /** Keys without a statement. */
  readonly adrift: ReadonlyArray<string>
}

/** The differences between a document and its requirements. */
export const gaps = (protocol: string, text: string): Gaps => {
  const { requirements, asides } = document(protocol)
  const used = new Set([...requirements, ...asides].map(({ hash }) => hash))
  const all = statements(protocol, text)
  const keys = new Set(all.map(({ key }) => key))
  return { open: all.filter(({ key }) => !used.has(key)), adrift: [...used].filter((key) => !keys.has(key)) }
}

/** The longest run of characters that a sentence may share with the document, except names and literals. */
const longest = 11

const bare = (words: string) => words.replaceAll(/`[^`]*`/g, "\u0000").replaceAll(/\s/g, "")

/** The Chinese sentences of a protocol's requirements and readings, by id. */
const wordsOf = (protocol: string): ReadonlyArray<readonly [string, string]> => [
  ...requirements(protocol).map(({ id, description }) => [id, description.zh] as const),
  ...readings(protocol).map(({ id, why }) => [id, why.zh] as const)
]

/** Runs that sentences share with the document. */
export const copied = (text: string, words: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> => {
  const printed = text.replaceAll(/\s/g, "")
  return words.flatMap(([id, said]) => {
    const whole = bare(said)
    const runs = Array.from({ length: Math.max(0, whole.length - longest) }, (_, at) =>
      whole.slice(at, at + longest + 1)
    )
    return runs.filter((run) => printed.includes(run)).map((run) => `${id}: ${run}`)
  })
}

/** SHA-256 of the Chinese sentences, to detect changes since they were compared with the document. */
export const wordsHash = (protocol: string): string =>
  createHash("sha256")
    .update(JSON.stringify(wordsOf(protocol)))
    .digest("hex")

/** SHA-256 of keys of statements, sorted, each once. */
export const keysHash = (keys: Iterable<string>): string =>
  createHash("sha256")
    .update([...new Set(keys)].toSorted().join("\n"))
    .digest("hex")

export const copiedWords = (protocol: string, text: string): ReadonlyArray<string> => copied(text, wordsOf(protocol))

const print = (text: string) => process.stdout.write(`${text}\n`)
const shown = ({ key, kind, line, section, at, text }: Statement) =>
  `${key}  line ${line}  ${kind}  ${section}${at === undefined || at === "" ? "" : ` @${at}`}\n    ${text}`

if (import.meta.main) {
  const all = process.argv.includes("--all")
  const write = process.argv.includes("--write")
  for (const protocol of documents) {
    const text = documentOf(protocol)
    if (text === undefined) throw new Error(`the document of ${protocol} is not at hand`)
    const { open, adrift } = gaps(protocol, text)
    const found = statements(protocol, text)
    print(`${protocol}: ${found.length} statements, ${open.length} open, ${adrift.length} keys without a statement`)
    for (const one of all ? found : open) print(shown(one))
    for (const key of adrift) print(`${key}  no such statement`)
    const copies = copiedWords(protocol, text)
    for (const one of copies) print(`the document's own words: ${one}`)
    if (open.length + adrift.length + copies.length > 0) process.exitCode = 1
    else if (write) {
      const file = fileURLToPath(new URL(`../requirements/${protocol}.txt`, import.meta.url))
      const table = readFileSync(file, "utf8")
        .replace(/^words .*$/m, `words ${wordsHash(protocol)}`)
        .replace(/^statements .*$/m, `statements ${keysHash(found.map(({ key }) => key))}`)
      writeFileSync(file, table)
    }
  }
}
