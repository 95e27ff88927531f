/**
 * Reads `requirements/mutants.txt`: a check, and below it requirements, each with the mutation that breaks it and that the
 * check detects; or `not-detectable <requirement> | <reason>`.
 */
import type { Json } from "../Json.ts"
import { directive, forEachStatement } from "./Statements.ts"

/** The mutants in their order, and the requirements without one. Throws `SyntaxError` with the line. */
export const readMutants = (text: string): Json => {
  const mutants: Array<Json> = []
  const notDetectable: Array<Json> = []
  let check = ""
  forEachStatement(text, ({ indented, text: body }) => {
    const [name, rest] = directive(body)
    if (!indented && name === "not-detectable") {
      const [requirement = "", reason = ""] = rest.split("|").map((cell) => cell.trim())
      notDetectable.push({ requirement, reason })
    } else if (!indented) check = body
    else if (check === "") throw new SyntaxError("this line belongs to no check")
    else {
      const protocol = check.slice(0, check.indexOf("/"))
      for (const item of body.split(",")) {
        const [id, mutation] = directive(item.trim())
        mutants.push({ requirement: `${protocol}.${id}`, check, mutation })
      }
    }
  })
  return { mutants, notDetectable }
}
