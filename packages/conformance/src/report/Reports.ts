/** Report formats, and writing them: `--report html=out.html`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import * as Schema from "effect/Schema"
import { BadOptions } from "../run/plan.ts"
import { type Report, Results } from "../run/Results.ts"
import { suite } from "../Suite.ts"
import { badge } from "./Badge.ts"
import { html } from "./Html.ts"
import { junit } from "./Junit.ts"
import { harmlessJson } from "./Paint.ts"
import { markdown } from "./Markdown.ts"
import { tap } from "./Tap.ts"

export const resultsSchema = "https://unpkg.com/@parley/conformance/schema/results.schema.json"

/** Returns the results of these runs, in the form of `results.schema.json`. */
export const resultsOf = (reports: ReadonlyArray<Report>): Results => ({
  $schema: resultsSchema,
  schemaVersion: 1,
  suite,
  reports
})

const asJson = (value: object): string => `${harmlessJson(value, 2)}\n`

/** Report formats by name; each returns the report as text. */
export const forms: { readonly [form: string]: (results: Results) => string } = {
  json: asJson,
  junit,
  tap,
  html,
  markdown,
  badge: (results) => asJson(badge(results))
}

export interface Wanted {
  readonly form: string
  /** `-` for the standard output. */
  readonly file: string
}

/** Parses `html=out.html`. Throws `BadOptions`. */
export const wantedReport = (text: string): Wanted => {
  const at = text.indexOf("=")
  const [form, file] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)]
  if (Object.hasOwn(forms, form) && file !== "") return { form, file }
  throw new BadOptions({
    message: `--report ${text}: expected <form>=<file>, the form one of ${Object.keys(forms).join(", ")}`
  })
}

/** Writes the wanted reports and creates their folders. Throws errors of the file system. */
export const writeReports = (wanted: ReadonlyArray<Wanted>, results: Results, print: (text: string) => void): void => {
  for (const { form, file } of wanted) {
    const text = forms[form]?.(results) ?? ""
    if (file === "-") print(text.trimEnd())
    else {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
  }
}

const decode = Schema.decodeUnknownSync(Results, { errors: "first" })

/** Reads a results file. Throws `BadOptions` if it is not one. */
export const readResults = (file: string): Results => {
  try {
    return decode(JSON.parse(readFileSync(file, "utf8")))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replaceAll(/\n\s*/g, " ") : String(cause)
    throw new BadOptions({ message: `${file} is not a results file: ${why}` })
  }
}
