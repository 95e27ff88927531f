/** The exports of each entry, as TypeDoc reads them from the compiled declarations. */
import {
  Application,
  Comment,
  type Context,
  Converter,
  type DeclarationReflection,
  type ProjectReflection,
  type Reflection
} from "typedoc"
import ts from "typescript"
import { compile } from "./Compile.ts"
import { headerOf, textOf } from "./Declaration.ts"
import { declarationsOf, type Entry, packages } from "./Entries.ts"

export interface Export {
  readonly name: string
  /** The docstring, in Markdown; "" if there is none. */
  readonly comment: string
  /** Declarations of the value, of the type, or of both. */
  readonly declarations: ReadonlyArray<string>
}

export interface Section {
  readonly entry: Entry
  /** The comment at the top of the entry's source, in Markdown; "" if there is none. */
  readonly header: string
  readonly exports: ReadonlyArray<Export>
  /** Names that an earlier entry exports as well, by that entry. */
  readonly reexports: ReadonlyMap<string, ReadonlyArray<string>>
}

type Declarations = ReadonlyMap<Reflection, ReadonlyArray<ts.Node>>

const convert = async (): Promise<{ readonly project: ProjectReflection; readonly declarations: Declarations }> => {
  const tsconfig = compile()
  const app = await Application.bootstrap({
    entryPoints: packages.flatMap(({ entries }) => entries.map(({ source }) => declarationsOf(source))),
    tsconfig,
    skipErrorChecking: true,
    disableGit: true,
    sourceLinkTemplate: "{path}",
    logLevel: "Error",
    readme: "none",
    sort: ["source-order"]
  })
  const declarations = new Map<Reflection, ReadonlyArray<ts.Node>>()
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context: Context) => {
    for (const reflection of Object.values(context.project.reflections)) {
      if (!reflection.isDeclaration()) continue
      const symbol = context.getSymbolFromReflection(reflection)
      declarations.set(reflection, symbol?.getDeclarations() ?? [])
    }
  })
  const project = await app.convert()
  if (project === undefined) throw new Error("the declarations could not be read")
  return { project, declarations }
}

const markdown = (comment: Comment | undefined): string => {
  if (comment === undefined) return ""
  const tags = comment.blockTags.map(({ tag, name, content }) => {
    const text = Comment.combineDisplayParts(content)
    return `- ${tag}${name === undefined ? "" : ` \`${name}\``} ${text}`
  })
  return [Comment.combineDisplayParts(comment.summary), tags.join("\n")].join("\n\n").trim()
}

const commentOf = (reflection: DeclarationReflection): string =>
  markdown(reflection.comment ?? reflection.signatures?.find(({ comment }) => comment !== undefined)?.comment)

/** The docstring in the source. TypeDoc takes the comment before a list of re-exports for that of its first name. */
const written = (nodes: Iterable<ts.Node>): ReadonlyArray<string> =>
  Array.from(nodes, (node) =>
    ts
      .getJSDocCommentsAndTags(node)
      .flatMap((comment) => ts.getTextOfJSDocComment(comment.comment) ?? [])
      .join("\n\n")
  )

/** Values and types of one name are one export. */
const exportOf = async (
  name: string,
  reflections: ReadonlyArray<DeclarationReflection>,
  declarations: Declarations,
  header: string
): Promise<Export> => {
  const nodes = new Set(reflections.flatMap((reflection) => declarations.get(reflection) ?? []))
  const read = reflections.map(commentOf)
  const comments = new Set((read.includes(header) ? written(nodes) : read).filter((comment) => comment !== ""))
  return {
    name,
    comment: [...comments].join("\n\n"),
    declarations: await Promise.all(Array.from(nodes, textOf))
  }
}

/** The sections of all entries, by specifier. */
export const readSections = async (): Promise<ReadonlyMap<string, Section>> => {
  const { project, declarations } = await convert()
  const modules = new Map(
    (project.children ?? []).map((module) => [declarations.get(module)?.[0]?.getSourceFile().fileName, module])
  )
  const entries = packages.flatMap(({ entries }) => entries)
  const found = entries.map((entry) => ({ entry, module: modules.get(declarationsOf(entry.source)) }))
  const specifierOf = new Map<Reflection | undefined, string>(
    found.map(({ entry, module }) => [module, entry.specifier])
  )
  const sections = new Map<string, Section>()
  for (const { entry, module } of found) {
    if (module === undefined) throw new Error(`${entry.specifier} was not read`)
    const own = new Map<string, Array<DeclarationReflection>>()
    const reexports = new Map<string, Array<string>>()
    for (const child of module.children ?? []) {
      if (child.isReference()) {
        const target = child.getTargetReflectionDeep()
        const home = specifierOf.get(target.parent) ?? ""
        if (!(reexports.get(home) ?? []).includes(child.name)) {
          reexports.set(home, [...(reexports.get(home) ?? []), child.name])
        }
      } else own.set(child.name, [...(own.get(child.name) ?? []), child])
    }
    const header = headerOf(entry.source)
    const exports: Array<Export> = []
    for (const [name, reflections] of own) exports.push(await exportOf(name, reflections, declarations, header))
    sections.set(entry.specifier, { entry, header, exports, reexports })
  }
  return sections
}
