/** `npx pnpm chaos`. Ends with code 1 if a promise was broken. */
import { BadOptions, parseOptions, usage } from "./Options.ts"
import { textOf } from "./Report.ts"
import { run } from "./run.ts"

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) console.log(usage)
  else {
    const report = await run(options, (line) => console.log(line))
    console.log(textOf(report))
    process.exitCode = report.broken.length === 0 ? 0 : 1
  }
} catch (cause) {
  if (!(cause instanceof BadOptions)) throw cause
  console.error(`${cause.message}\n\n${usage}`)
  process.exitCode = 2
}
