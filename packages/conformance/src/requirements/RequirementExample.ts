/** Lines of an example value, in JSON or JavaScript-like notation, with the path of each. */

export interface ExampleLine {
  readonly text: string
  /** The path, as `data[].members[].id`; empty outside of any field. */
  readonly at: string
  readonly line: number
}

/** The start of a comment: `//` outside quotes and URLs. */
const remark = (line: string): number => {
  let quote = ""
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? ""
    if (quote !== "") {
      if (char === quote) quote = ""
    } else if (char === '"' || char === "'") quote = char
    else if (char === "/" && line[at + 1] === "/" && line[at - 1] !== ":") return at
  }
  return line.length
}

const key = /^\s*["']?([A-Za-z_]\w*)["']?\s*(?=[:,;]|$)/

/**
 * The lines with content, without lines of brackets alone and marks of omissions. `first` is the first line's
 * number.
 */
export const examples = (lines: ReadonlyArray<string>, first: number): ReadonlyArray<ExampleLine> => {
  const found: Array<ExampleLine> = []
  /** The open brackets, each with the field that it is the value of. */
  const open: Array<string> = []
  let pending = ""
  const join = (parts: ReadonlyArray<string>): string =>
    parts.filter((one) => one !== "").reduce((path, part) => (part === "[]" ? `${path}[]` : `${path}.${part}`), "")
  for (const [index, line] of lines.entries()) {
    const code = line.slice(0, remark(line))
    const text = line.replaceAll(/\s+/g, " ").trim()
    const name = key.exec(code)?.[1] ?? ""
    const bare = code.replaceAll(/"[^"]*"|'[^']*'/g, "")
    if (name !== "") pending = name
    if (/[\p{L}\p{N}]/u.test(text)) {
      found.push({ text, at: join([...open, name === "" ? pending : name]).replace(/^\./, ""), line: first + index })
    }
    for (const char of bare) {
      if (char === "{" || char === "[") {
        open.push(pending, ...(char === "[" ? ["[]"] : []))
        pending = ""
      } else if (char === "}" || char === "]") {
        open.splice(char === "]" ? -2 : -1)
        pending = ""
      }
    }
    if (name !== "" && /[,;]\s*$/.test(bare)) pending = ""
  }
  return found
}
