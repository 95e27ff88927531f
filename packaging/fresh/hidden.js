// Imports each module of a list, which no package exports; prints the code of each one's error.
import { readFileSync } from "node:fs"

const codes = {}
for (const name of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  try {
    await import(name)
    codes[name] = "imported"
  } catch (cause) {
    codes[name] = cause.code ?? String(cause)
  }
}
console.log(JSON.stringify(codes))
