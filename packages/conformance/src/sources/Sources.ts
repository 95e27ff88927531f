/** The documents' sections that a file of scenarios rests on, by short names. */
import type { JsonObject } from "../Json.ts"
import { directive } from "./Statements.ts"

export class Sources {
  /** The document of the file. */
  document = ""
  /** The section of the file, or of the scenario at hand. */
  section = ""
  readonly #cited = new Map<string, JsonObject>()

  /** `cite <name> <document> <section>`: the section is the rest of the line. */
  cite(text: string): void {
    const [name, rest] = directive(text)
    const [doc, section] = directive(rest)
    if (section === "") throw new SyntaxError("cite <name> <document> <section> expected")
    this.#cited.set(name, { doc, section })
  }

  /** A cited section, or the section of this heading in the file's document; without a name the section at hand. */
  sourceOf(name: string | undefined): JsonObject {
    const wanted = name ?? this.section
    return this.#cited.get(wanted) ?? { doc: this.document, section: wanted }
  }
}
