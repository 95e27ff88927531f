/** Counts of an import, and a report of each line of the files that it left out. */
import * as Console from "effect/Console"
import type * as Effect from "effect/Effect"

/** Maximum length of a text of the files in a report. */
const MAX_SHOWN = 100

/** Returns a text of the files as JSON. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text)

/** A place in a file. */
export interface Line {
  readonly file: string
  readonly line: number
}

export class ImportReport {
  conversations = 0
  messages = 0
  /** Conversations and messages that were there already. */
  existing = 0
  /** Lines that were left out, in whole or in part. */
  problems = 0
  readonly #unknownFields = new Map<string, { readonly at: Line; count: number }>()

  /** Prints a line that is left out, or a part of it. */
  problem({ file, line }: Line, problem: string): Effect.Effect<void> {
    this.problems++
    return Console.log(`${file}:${line}: ${problem}`)
  }

  /** Counts fields that are not imported; their messages are. */
  unknownFields(at: Line, fields: object, known: ReadonlySet<string>): void {
    for (const field of Object.keys(fields)) {
      if (known.has(field)) continue
      const before = this.#unknownFields.get(field)
      if (before !== undefined) before.count++
      else this.#unknownFields.set(field, { at, count: 1 })
    }
  }

  summary(users: number, isDry: boolean): string {
    const fields = Array.from(
      this.#unknownFields,
      ([field, { at, count }]) =>
        `${at.file}:${at.line}: the field ${quoted(field)} of messages is not imported; ${count} have it`
    )
    const done = `${this.conversations} conversations, ${this.messages} messages and ${users} new users`
    const before = this.existing === 0 ? "" : `; ${this.existing} conversations and messages were there already`
    return [...fields, `${isDry ? "would import" : "imported"} ${done}${before}`].join("\n")
  }
}
