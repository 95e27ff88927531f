/** Generates the documentation page about configuration from the declarations; a test keeps it current. */
import { engineSettings, type Setting } from "@parley/core/Settings"
import { type Declaration, fromSetting } from "./Declaration.ts"
import { serveDeclarations } from "./ServeOptions.ts"

const cell = (text: string): string => text.replaceAll("|", "\\|")

const code = (text: string): string => `\`${text}\``

const defaultText = ({ defaultText }: Declaration): string => (defaultText === "" ? "(empty)" : code(defaultText))

/** Pads columns to their widest cell, as the formatter does. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = rows.map((row) => row.map(cell))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(3, ...cells.map((row) => (row[column] ?? "").length)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(" | ")} |`
  const [head = [], ...body] = cells
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
}

const settingsTable = (declarations: ReadonlyArray<Declaration>): string =>
  table([
    ["key", "environment", "default", "value", "description"],
    ...declarations.map((one) => [code(one.key), code(one.environment), defaultText(one), one.accepts, one.description])
  ])

const byDialect = (settings: ReadonlyArray<Setting>): ReadonlyMap<string, ReadonlyArray<Setting>> => {
  const groups = new Map<string, Array<Setting>>()
  for (const setting of settings) {
    const dialect = setting.key.split(".", 1)[0] ?? ""
    groups.set(dialect, [...(groups.get(dialect) ?? []), setting])
  }
  return groups
}

/** Returns the page as Markdown. */
export const configurationPage = (dialectSettings: ReadonlyArray<Setting>): string => {
  const flags = serveDeclarations.map((declaration) => [code(declaration.flag ?? ""), code(declaration.key)])
  const sections = [
    "# Configuration",
    "<!-- Written by a test from the declarations in the code: `UPDATE_DOCS=1 npx pnpm test` rewrites it. -->",
    `Every value can be given in four ways. The first in this order that gives it decides:

1. a flag of \`parley serve\`: its own where it has one, else \`--set key=value\`, as often as needed;
2. an environment variable; an empty one counts as not set;
3. the configuration file, one JSON file named by \`--config <file>\` or \`PARLEY_CONFIG\`;
4. the default.

In the file, keys are nested or dotted as you like:

\`\`\`json
{
  "port": 9000,
  "limits": { "frame": 65536 },
  "session.idle": 3600
}
\`\`\`

Integers and booleans are JSON numbers and \`true\` or \`false\` there; in flags and variables a boolean is \`true\`, \`yes\`, \`on\` or
\`1\`, or \`false\`, \`no\`, \`off\` or \`0\`. Values separated by commas may be JSON arrays of strings in the file. The server does not
start with an invalid value, or with an unknown key in the file; one line names it. Relative paths start from the folder in which the server
was started.`,
    "## The server",
    settingsTable(serveDeclarations),
    table([["flag", "key"], ...flags]),
    "## The engine",
    "Further bounds follow from these or are fixed: see [limits](security.md#limits).",
    settingsTable(Object.values(engineSettings).map(fromSetting)),
    ...Array.from(byDialect(dialectSettings)).flatMap(([dialect, settings]) => [
      `## The ${dialect} protocol`,
      settingsTable(settings.map(fromSetting))
    ])
  ]
  return `${sections.join("\n\n")}\n`
}
