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

process.exitCode = await program(argv.slice(2), {
  out: (line) => void stdout.write(`${line}\n`),
  err: (line) => void stderr.write(`${line}\n`),
  draw: (text) => void stdout.write(text),
  columns: isTerminal ? stdout.columns : undefined,
  paint: paintFor(stdout.isTTY, env),
  env,
  folder: process.cwd()
})
