#!/usr/bin/env node
/**
 * `parley-conformance`. Exit codes: 0 conforms, 1 does not, 2 usage, 3 the server cannot be reached, 4 the kit failed.
 */
import { program } from "./cli/Program.ts"
import { paintFor } from "./report/Paint.ts"

const { stdout, stderr, env, argv } = process
const isTerminal = stdout.isTTY && env["CI"] === undefined && env["TERM"] !== "dumb"

// A closed pipe, as in `list | head`, is not a failure.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
})

const interruption = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second one ends at once.
    if (interruption.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143)
    stderr.write("\nending; the reports have what was run so far (again to end at once)\n")
    interruption.abort()
  })
}

process.exitCode = await program(argv.slice(2), {
  out: (line) => void stdout.write(`${line}\n`),
  err: (line) => void stderr.write(`${line}\n`),
  draw: (text) => void stdout.write(text),
  columns: isTerminal ? stdout.columns : undefined,
  paint: paintFor(stdout.isTTY, env),
  env,
  folder: process.cwd(),
  signal: interruption.signal,
  acceptAnyCertificate: () => void (env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0")
})
