/** The pages below `docs/api`, one for each package. */
import { join } from "node:path"
import { format } from "oxfmt"
import { FORMAT, packages, type Package, ROOT } from "./Entries.ts"
import { readSections, type Section } from "./Exports.ts"

export interface Page {
  readonly file: string
  readonly text: string
}

export interface Pages {
  readonly pages: ReadonlyArray<Page>
  /** Exports without a docstring, as `@parley/core/Store: Store`. */
  readonly undocumented: ReadonlyArray<string>
}

/** The anchor that GitHub gives the heading of an entry. */
const anchorOf = (specifier: string): string => specifier.replace(/[^\w-]/g, "").toLowerCase()

const pageOf = (specifier: string): string =>
  packages.find(({ entries }) => entries.some((entry) => entry.specifier === specifier))?.folder ?? ""

const link = (from: Package, to: string): string => {
  const page = pageOf(to)
  return `[\`${to}\`](${page === from.folder ? "" : `${page}.md`}#${anchorOf(to)})`
}

const code = (text: string): string => `\`\`\`ts\n${text}\n\`\`\``

const sectionText = (from: Package, { entry, header, exports, reexports }: Section): string =>
  [
    `## \`${entry.specifier}\``,
    header,
    ...Array.from(reexports, ([specifier, names]) => `From ${link(from, specifier)}: \`${names.join("`, `")}\`.`),
    ...exports.flatMap(({ name, comment, declarations }) => [`### ${name}`, comment, code(declarations.join("\n\n"))])
  ]
    .filter((part) => part !== "")
    .join("\n\n")

const pageText = (from: Package, sections: ReadonlyArray<Section>): string =>
  [
    `# API of ${from.name}`,
    "<!-- Written from the declarations and their comments: `npx pnpm run docs:api` rewrites it. -->",
    `${from.description}. Entry points, each with all that it exports:`,
    sections.map(({ entry }) => `- ${link(from, entry.specifier)}`).join("\n"),
    ...sections.map((section) => sectionText(from, section))
  ].join("\n\n")

export const makePages = async (): Promise<Pages> => {
  const sections = await readSections()
  const pages: Array<Page> = []
  for (const one of packages) {
    const own = one.entries.flatMap(({ specifier }) => sections.get(specifier) ?? [])
    const { code } = await format("page.md", pageText(one, own), FORMAT)
    pages.push({ file: join(ROOT, "docs/api", `${one.folder}.md`), text: code })
  }
  const undocumented = [...sections.values()].flatMap(({ entry, exports }) =>
    exports.filter(({ comment }) => comment === "").map(({ name }) => `${entry.specifier}: ${name}`)
  )
  return { pages, undocumented }
}
