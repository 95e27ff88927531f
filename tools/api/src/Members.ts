/** Members of everything that the published packages export, in the sources, and their docstrings. */
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import ts from "typescript"
import { packages, ROOT } from "./Entries.ts"

export interface Members {
  /** Number of members by package. */
  readonly counts: ReadonlyMap<string, number>
  /** Those without a docstring: `file name.member`. */
  readonly undocumented: ReadonlyArray<string>
}

type Member = ts.ClassElement | ts.TypeElement

const hasModifier = (node: ts.Node, ...kinds: ReadonlyArray<ts.SyntaxKind>): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kinds.includes(kind))

const isPrivate = (member: Member): boolean =>
  (member.name !== undefined && (ts.isPrivateIdentifier(member.name) || ts.isComputedPropertyName(member.name))) ||
  hasModifier(member, ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword)

/** Overrides inherit the docstring. */
const isOverride = (member: Member): boolean => hasModifier(member, ts.SyntaxKind.OverrideKeyword)

/** `_tag: "Posted"` is described by the docstring of its type. */
const isTag = (member: Member): boolean =>
  ts.isPropertySignature(member) &&
  member.type !== undefined &&
  ts.isLiteralTypeNode(member.type) &&
  ts.isStringLiteral(member.type.literal)

/** Whether a type is a variant of a union, itself or as a part of an intersection. */
const isVariant = ({ parent }: ts.TypeNode): boolean =>
  ts.isUnionTypeNode(parent) ||
  ((ts.isParenthesizedTypeNode(parent) || ts.isIntersectionTypeNode(parent)) && isVariant(parent))

/** A docstring before a type, which may follow `|` and a parenthesis. */
const DESCRIBED = /\/\*\*[^*](?:(?!\*\/)[\s\S])*\*\/\s*\|?\s*\(?\s*$/

/** Members of a variant of a union may be described together, by the docstring before the variant. */
const isDescribedVariant = ({ parent }: Member): boolean =>
  ts.isTypeLiteralNode(parent) &&
  isVariant(parent) &&
  DESCRIBED.test(parent.getSourceFile().text.slice(0, parent.getStart()).slice(-2000))

/** Object types within a type: of a union, an intersection, or the arguments of a type. */
const literalsIn = (type: ts.TypeNode): ReadonlyArray<ts.TypeLiteralNode> => {
  if (ts.isTypeLiteralNode(type)) return [type]
  if (ts.isUnionTypeNode(type) || ts.isIntersectionTypeNode(type)) return type.types.flatMap(literalsIn)
  return ts.isParenthesizedTypeNode(type) ? literalsIn(type.type) : []
}

/** The shape of `class Store extends Context.Service<Store, {…}>()("…")`. */
const shapesIn = (declaration: ts.ClassDeclaration): ReadonlyArray<ts.TypeLiteralNode> => {
  const shapes: Array<ts.TypeLiteralNode> = []
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionWithTypeArguments(node) || ts.isCallExpression(node)) {
      for (const type of node.typeArguments ?? []) shapes.push(...literalsIn(type))
      visit(node.expression)
    }
  }
  for (const clause of declaration.heritageClauses ?? []) for (const type of clause.types) visit(type)
  return shapes
}

const membersOf = (statement: ts.Statement): ReadonlyArray<Member> => {
  if (ts.isInterfaceDeclaration(statement)) return statement.members
  if (ts.isClassDeclaration(statement)) {
    return [...statement.members, ...shapesIn(statement).flatMap(({ members }) => [...members])]
  }
  if (ts.isTypeAliasDeclaration(statement)) return literalsIn(statement.type).flatMap(({ members }) => [...members])
  return []
}

const sources = new Map<string, ts.SourceFile>()
const parse = (file: string): ts.SourceFile => {
  let source = sources.get(file)
  if (source === undefined) {
    source = ts.createSourceFile(file, readFileSync(join(ROOT, file), "utf8"), ts.ScriptTarget.Latest, true)
    sources.set(file, source)
  }
  return source
}

/** A declaration that an entry exports. */
interface Declared {
  readonly file: string
  readonly name: string
  readonly statement: ts.Statement
}

/** Returns the exported declarations of a module, and of the modules from which it exports; `names` all or some. */
const declaredIn = (file: string, names?: ReadonlySet<string>): ReadonlyArray<Declared> =>
  parse(file).statements.flatMap((statement): ReadonlyArray<Declared> => {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause, moduleSpecifier } = statement
      if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return []
      if (!moduleSpecifier.text.startsWith(".")) return []
      const target = join(dirname(file), moduleSpecifier.text)
      if (exportClause === undefined) return declaredIn(target, names)
      if (!ts.isNamedExports(exportClause)) return declaredIn(target)
      const taken = exportClause.elements
        .filter(({ name }) => names === undefined || names.has(name.text))
        .map(({ name, propertyName }) => (propertyName ?? name).text)
      return taken.length === 0 ? [] : declaredIn(target, new Set(taken))
    }
    if (
      !(
        ts.isClassDeclaration(statement) ||
        ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement)
      ) ||
      statement.name === undefined ||
      !hasModifier(statement, ts.SyntaxKind.ExportKeyword)
    ) {
      return []
    }
    const name = statement.name.text
    return names === undefined || names.has(name) ? [{ file, name, statement }] : []
  })

export const readMembers = (): Members => {
  const counts = new Map<string, number>()
  const undocumented = new Set<string>()
  const seen = new Set<ts.Statement>()
  for (const { name, entries } of packages) {
    let count = 0
    for (const { file, name: declared, statement } of entries.flatMap(({ source }) => declaredIn(source))) {
      if (seen.has(statement)) continue
      seen.add(statement)
      for (const member of membersOf(statement)) {
        if (member.name === undefined || isPrivate(member) || isOverride(member) || isTag(member)) continue
        count++
        if (ts.getJSDocCommentsAndTags(member).length === 0 && !isDescribedVariant(member)) {
          undocumented.add(`${file} ${declared}.${member.name.getText()}`)
        }
      }
    }
    counts.set(name, count)
  }
  return { counts, undocumented: [...undocumented] }
}
