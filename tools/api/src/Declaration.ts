/** The text of a declaration as a reader needs it: formatted, without what is private. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { format } from "oxfmt"
import ts from "typescript"
import { DECLARATIONS, FORMAT, ROOT } from "./Entries.ts"

const sources = new Map<string, ts.SourceFile>()

/** The source of a file of declarations, parsed. */
const sourceOf = (declarations: string): ts.SourceFile => {
  const path = declarations.replace(DECLARATIONS, join(ROOT, "packages")).replace(/\.d\.ts$/, ".ts")
  const parsed =
    sources.get(path) ?? ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true)
  sources.set(path, parsed)
  return parsed
}

/** Returns the heritage clauses of a class as in its source: declarations have a generated name for an expression. */
const heritageOf = (declared: ts.ClassDeclaration): string => {
  const written = sourceOf(declared.getSourceFile().fileName).statements.find(
    (statement): statement is ts.ClassDeclaration =>
      ts.isClassDeclaration(statement) && statement.name?.text === declared.name?.text
  )
  return (written?.heritageClauses ?? []).map((clause) => clause.getText()).join(" ")
}

const isHidden = (member: ts.Node): boolean => {
  const flags = ts.canHaveModifiers(member) ? (ts.getModifiers(member) ?? []) : []
  return (
    flags.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) ||
    (ts.isPropertyDeclaration(member) && ts.isPrivateIdentifier(member.name)) ||
    ts.getJSDocTags(member).some(({ tagName }) => tagName.text === "internal")
  )
}

const classText = (declared: ts.ClassDeclaration): string => {
  const members = declared.members.filter((member) => !isHidden(member)).map((member) => member.getFullText())
  const parameters = declared.typeParameters?.map((parameter) => parameter.getText()).join(", ")
  const generic = parameters === undefined ? "" : `<${parameters}>`
  const isAbstract = declared.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AbstractKeyword) === true
  return `declare ${isAbstract ? "abstract " : ""}class ${declared.name?.text ?? ""}${generic} ${heritageOf(declared)} {${members.join("")}\n}`
}

/** The statement that declares it. */
const statementOf = (node: ts.Node): ts.Node =>
  ts.isVariableDeclaration(node) ? statementOf(node.parent.parent) : node

export const textOf = async (declared: ts.Node): Promise<string> => {
  const node = statementOf(declared)
  const text = ts.isClassDeclaration(node) ? classText(node) : node.getText()
  const plain = text
    .replace(/^export /, "")
    // Types that are inferred are written with the modules that they are from.
    .replace(/\bimport\("[^"]+"\)\./g, "")
  const { code } = await format("declaration.ts", plain.startsWith("declare") ? plain : `declare ${plain}`, FORMAT)
  return code.trim().replace(/^declare /, "")
}

/** The comment at the top of a source, where it stands before imports or re-exports: else it is of what it precedes. */
export const headerOf = (source: string): string => {
  const file = join(ROOT, source)
  const parsed = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true)
  const [first] = parsed.statements
  if (first === undefined || !(ts.isImportDeclaration(first) || ts.isExportDeclaration(first))) return ""
  const [range] = ts.getLeadingCommentRanges(parsed.text, 0) ?? []
  if (range === undefined || !parsed.text.startsWith("/**", range.pos)) return ""
  return parsed.text
    .slice(range.pos + 3, range.end - 2)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .join("\n")
    .trim()
}
