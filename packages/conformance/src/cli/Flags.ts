/**
 * The flags of all commands, parsed by Node: Effect's command line needs a platform package, which implementers of a
 * protocol should not have to install.
 */
import { parseArgs } from "node:util"
import { BadOptions } from "../run/plan.ts"
import type { Command, Flags } from "./Host.ts"

interface Flag {
  /** The placeholder of its value; `undefined` for a boolean flag. */
  readonly value?: string
  readonly many?: true
  readonly description: string
}

export const all: { readonly [name: string]: Flag } = {
  protocol: { value: "name,…", description: "protocols: xuanxuan, spark, hisihi, ha, youdu" },
  url: { value: "http://host:port", description: "the server's HTTP address, without a path" },
  ws: { value: "ws://host:port/path", description: "its WebSocket address; default /ws at --url" },
  tcp: { value: "tcp://host:port", description: "its raw TCP address" },
  transport: { value: "ws|tcp|http,…", description: "default: ws for xuanxuan, http for the others" },
  wire: { value: "documented|client-1.0", description: "the wire form of xuanxuan over ws; over tcp it is client-1.0" },
  profile: { value: "documented|hardening|parley|all", description: "which checks are evaluated; default documented" },
  strict: { description: "SHOULD and MAY fail like MUST, and a tolerated form warns" },
  only: { value: "glob", many: true, description: "scenarios by id: xuanxuan/message/*, spark/**" },
  accounts: { value: "source", description: "demo, a file, http://… of a hook, exec:<command>, or signup" },
  reset: { description: "ask the account source to reset the server first" },
  skip: { value: "glob", many: true, description: "scenarios that are not run" },
  without: { value: "files|queue|client-1.0,…", description: "features that the server does not have" },
  insecure: { description: "accept a certificate that no authority has signed" },
  sequences: { value: "folder", many: true, description: "further scenarios" },
  literal: { value: "text=value", many: true, description: "replaces a value of the scenarios: ha-demo=your-key" },
  expected: { value: "file", description: "expected failures" },
  report: {
    value: "form=file",
    many: true,
    description: "json, junit, tap, html, markdown or badge; - for standard output"
  },
  json: { description: "print only the results, as JSON" },
  timeout: { value: "milliseconds", description: "timeout of a response; default 5000" },
  bail: { description: "end after the first scenario that fails" },
  config: { value: "file", description: "default conformance.config.json, if present" },
  checks: { description: "print the checks of each scenario" },
  write: { description: "write the file" },
  reason: { value: "text", description: "the reason of added entries" },
  out: { value: "file", description: "the output file; default standard output" },
  force: { description: "overwrite the file" },
  help: { description: "show this help" }
}

/** Parses the arguments of a command. Throws `BadOptions`. */
export const parseFlags = (command: Command, args: ReadonlyArray<string>): Flags => {
  const options = Object.fromEntries(
    [...command.flags, "help"].map((name) => [
      name,
      {
        type: all[name]?.value === undefined ? ("boolean" as const) : ("string" as const),
        multiple: all[name]?.many === true,
        ...(name === "help" ? { short: "h" } : {})
      }
    ])
  )
  const parse = () => {
    try {
      return parseArgs({ args: [...args], options, allowPositionals: true })
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      // Without Node's advice on positional arguments.
      throw new BadOptions({ message: message.replace(/\. To specify .*$/s, "") })
    }
  }
  const { values, positionals } = parse()
  const texts = (flag: string): ReadonlyArray<string> => {
    const value = values[flag]
    return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "string")
  }
  const [least, most] = command.count
  if (values["help"] !== true && (positionals.length < least || positionals.length > most)) {
    const wanted = command.operands === "" ? "nothing" : command.operands
    throw new BadOptions({ message: `${command.name} takes ${wanted}, not ${positionals.join(" ") || "nothing"}` })
  }
  return { texts, text: (flag) => texts(flag)[0], on: (flag) => values[flag] === true, operands: positionals }
}

/** The lines of a command's help that describe its flags. */
export const described = (flags: ReadonlyArray<string>): ReadonlyArray<string> =>
  flags.map((name) => {
    const flag = all[name]
    const head = `--${name}${flag?.value === undefined ? "" : ` <${flag.value}>`}`
    return `  ${head.padEnd(38)} ${flag?.description ?? ""}${flag?.many === true ? " (several)" : ""}`
  })
