/**
 * `run --protocol xuanxuan --url http://host:port [--tcp tcp://host:port] [--transport ws|tcp|http] [--profile …] [--only glob]`
 * and `list`. Exit codes: 0 conforms, 1 does not, 2 usage, 3 the server cannot be reached, 4 the kit failed.
 */
import { parseArgs } from "node:util"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { load, protocols } from "./Catalogue.ts"
import { exitCode, lines, summary } from "./Report.ts"
import { BadOptions, type Options, runEffect } from "./Run.ts"
import type { Profile, Transport } from "./Scenario.ts"

const usage = `Usage:
  run   --url http://host:port [--tcp tcp://host:port] [--protocol xuanxuan] [--transport ws|tcp|http]
        [--profile documented|client-1.0] [--only glob]... [--timeout milliseconds] [--json]
  list  [--protocol xuanxuan] [--json]

Scenario ids look like xuanxuan/message/batch; in a glob, * stays within one part and ** does not.
Exit codes: 0 conforms, 1 does not conform, 2 usage, 3 server not reachable, 4 fault of the kit.`

const flags = {
  protocol: { type: "string" },
  url: { type: "string" },
  tcp: { type: "string" },
  ws: { type: "string" },
  transport: { type: "string" },
  profile: { type: "string" },
  only: { type: "string", multiple: true },
  timeout: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" }
} as const

const parseFlags = (args: Array<string>) => parseArgs({ args, options: flags, allowPositionals: true })
type Flags = ReturnType<typeof parseFlags>["values"]

const isTransport = (value: string): value is Transport => value === "ws" || value === "tcp" || value === "http"
const isProfile = (value: string): value is Profile => value === "documented" || value === "client-1.0"

const print = (text: string) => process.stdout.write(`${text}\n`)
const complain = (text: string) => process.stderr.write(`${text}\n`)

const optionsOf = (values: Flags): Options => {
  const { url } = values
  if (url === undefined || !/^https?:/.test(url) || !URL.canParse(url)) {
    throw new BadOptions({ message: "--url must be the server's http address" })
  }
  const { transport } = values
  if (transport !== undefined && !isTransport(transport)) {
    throw new BadOptions({ message: "--transport is ws, tcp or http" })
  }
  if (values.profile !== undefined && !isProfile(values.profile)) {
    throw new BadOptions({ message: "--profile is documented or client-1.0" })
  }
  const reply = values.timeout === undefined ? undefined : Number(values.timeout)
  if (reply !== undefined && !(reply > 0)) throw new BadOptions({ message: "--timeout is a number of milliseconds" })
  const http = url.replace(/\/$/, "")
  return {
    protocol: values.protocol ?? "xuanxuan",
    target: { http, ws: values.ws ?? `${http.replace(/^http/, "ws")}/ws`, tcp: values.tcp },
    ...(transport === undefined ? {} : { transport }),
    ...(values.profile === undefined ? {} : { profile: values.profile }),
    ...(values.only === undefined ? {} : { only: values.only }),
    ...(reply === undefined ? {} : { timing: { reply } }),
    ...(values.json === true ? {} : { onScenario: (result) => print(lines(result).join("\n")) })
  }
}

const list = (values: Flags): number => {
  const scenarios = load(values.protocol ?? "xuanxuan").scenarios
  print(
    values.json === true
      ? JSON.stringify(scenarios, undefined, 2)
      : scenarios.map(({ id, title }) => `${id}  ${title}`).join("\n")
  )
  return 0
}

const runAll = async (values: Flags): Promise<number> => {
  const exit = await Effect.runPromiseExit(runEffect(optionsOf(values)))
  if (Exit.isSuccess(exit)) {
    print(values.json === true ? JSON.stringify(exit.value, undefined, 2) : summary(exit.value))
    return exitCode(exit.value)
  }
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  switch (error?._tag) {
    case "BadOptions":
      complain(error.message)
      return 2
    case "Unreachable":
      complain(`cannot reach ${error.address}: ${error.message}`)
      return 3
    default:
      complain(`the kit failed: ${error?.message ?? Cause.pretty(exit.cause)}`)
      return 4
  }
}

const main = async (args: Array<string>): Promise<number> => {
  try {
    const { values, positionals } = parseFlags(args)
    if (values.help === true) return (print(usage), 0)
    if (values.protocol !== undefined && !protocols().includes(values.protocol)) {
      throw new BadOptions({ message: `--protocol is one of: ${protocols().join(", ")}` })
    }
    if (positionals.length === 1 && positionals[0] === "list") return list(values)
    if (positionals.length === 1 && positionals[0] === "run") return await runAll(values)
    complain(usage)
    return 2
  } catch (cause) {
    const bad = cause instanceof BadOptions || cause instanceof TypeError
    complain(bad ? `${cause.message}\n\n${usage}` : `the kit failed: ${String(cause)}`)
    return bad ? 2 : 4
  }
}

// A reader that has seen enough, as in `list | head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
})
process.exitCode = await main(process.argv.slice(2))
