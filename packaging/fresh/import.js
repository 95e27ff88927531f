// Loads each module that is named on the command line, as ESM and from CommonJS; prints those that cannot be loaded.
import { createRequire } from "node:module"

const require = createRequire(import.meta.url)
let failed = 0
for (const name of process.argv.slice(2)) {
  try {
    const imported = await import(name)
    if (require(name) !== imported) throw new Error("there are two of it")
  } catch (cause) {
    failed++
    console.log(`${name}: ${cause.message}`)
  }
}
process.exitCode = failed === 0 ? 0 : 1
