/** The name and version of this package. */
import { readFileSync } from "node:fs"
import { inPackage } from "./packageFolder.ts"

const read = (): { readonly name: string; readonly version: string } => {
  const value: unknown = JSON.parse(readFileSync(inPackage("package.json"), "utf8"))
  const version = typeof value === "object" && value !== null && "version" in value ? value.version : undefined
  return { name: "@parley/conformance", version: typeof version === "string" ? version : "0.0.0" }
}

export const suite = read()
