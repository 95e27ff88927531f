/** Members of exported classes and interfaces in the sources of the APIs that applications call, and their docstrings. */
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { ROOT } from "./Entries.ts"

/** Sources of the APIs of promises: of the engine, of the server's adapter, of the stores, and of the client. */
const SOURCES = [
  "core/src/api",
  "adapter-node/src",
  "adapter-postgres/src",
  "adapter-sql/src",
  "adapter-memory/src",
  "client/src"
]

/** Packages whose entry exports some names of its sources. Others have each source as an entry. */
const BY_INDEX = /^packages\/(core|client)\//

export interface Members {
  /** Number of all members. */
  readonly count: number
  /** Those without a docstring: `file class.member`. */
  readonly undocumented: ReadonlyArray<string>
}

const isPrivate = (member: ts.ClassElement | ts.TypeElement): boolean =>
  (member.name !== undefined && (ts.isPrivateIdentifier(member.name) || ts.isComputedPropertyName(member.name))) ||
  (ts.canHaveModifiers(member) &&
    (ts.getModifiers(member) ?? []).some(
      ({ kind }) => kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword
    ))

const isExported = (statement: ts.ClassDeclaration | ts.InterfaceDeclaration): boolean =>
  statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true

/** Overrides inherit the docstring. */
const isOverride = (member: ts.ClassElement | ts.TypeElement): boolean =>
  ts.canHaveModifiers(member) &&
  (ts.getModifiers(member) ?? []).some(({ kind }) => kind === ts.SyntaxKind.OverrideKeyword)

/** The exports of an entry, without the paths of its modules. */
const namesIn = (index: string): string =>
  readFileSync(join(ROOT, index), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|"[^"]*"/g, "")

export const readMembers = (): Members => {
  let count = 0
  const undocumented: Array<string> = []
  const files = SOURCES.flatMap((folder) => globSync(`packages/${folder}/*.ts`, { cwd: ROOT }))
  for (const file of files) {
    const [, name] = BY_INDEX.exec(file) ?? []
    const index = name === undefined ? undefined : namesIn(`packages/${name}/src/index.ts`)
    const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), "utf8"), ts.ScriptTarget.Latest, true)
    for (const statement of source.statements) {
      if (!(ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) || !isExported(statement))
        continue
      if (index !== undefined && !new RegExp(`\\b${statement.name?.text}\\b`).test(index)) continue
      for (const member of statement.members) {
        if (member.name === undefined || isPrivate(member) || isOverride(member)) continue
        count++
        if (ts.getJSDocCommentsAndTags(member).length === 0) {
          undocumented.push(`${file} ${statement.name?.text ?? ""}.${member.name.getText()}`)
        }
      }
    }
  }
  return { count, undocumented }
}
