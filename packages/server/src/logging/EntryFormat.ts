/** Formats log entries for terminals: a line with the message, and indented below it the cause and the annotations. */
import { inspect, styleText } from "node:util"
import * as Logger from "effect/Logger"
import { printable, printableCell } from "../terminal/printable.ts"

type Style = Parameters<typeof styleText>[0]

const LEVELS: Readonly<Record<string, Style>> = {
  DEBUG: "blue",
  INFO: "green",
  WARN: "yellow",
  ERROR: "red",
  FATAL: ["bgRed", "black"]
}

/** Formats a time in the machine's time zone, with milliseconds. */
const timeOf = (timestamp: string): string => {
  const at = new Date(timestamp)
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, "0")}`
}

const indented = (text: string): string => text.replace(/^/gm, "  ")

/** Returns a logger that formats entries; control characters in data are escaped. */
export const formatEntry = (colors: boolean): Logger.Logger<unknown, string> => {
  const styled = (style: Style, text: string): string =>
    colors ? styleText(style, text, { validateStream: false }) : text
  const shown = (value: unknown): string =>
    typeof value === "string" ? printableCell(value) : inspect(value, { colors, depth: 4 })
  return Logger.map(Logger.formatStructured, ({ level, timestamp, message, cause, annotations }) => {
    const words = [message].flat().map(shown).join(" ")
    const lines = [
      `${styled("white", `[${timeOf(timestamp)}]`)} ${styled(LEVELS[level] ?? "gray", level)}: ${styled(["bold", "cyan"], words)}`
    ]
    if (cause !== undefined) lines.push(indented(printable(cause)))
    for (const [key, value] of Object.entries(annotations)) {
      lines.push(indented(`${styled("bold", `${key}:`)} ${shown(value)}`))
    }
    return lines.join("\n")
  })
}
