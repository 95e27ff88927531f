/** The program: its commands, their help, and their exit codes. */
import * as Data from "effect/Data"
import { NotPrepared } from "../accounts/Accounts.ts"
import { isOwn } from "../scenarios/loadScenarios.ts"
import { Unreachable } from "../transport/connect.ts"
import { BadExpectations } from "../run/Expectations.ts"
import { BadOptions } from "../run/plan.ts"
import { BadData } from "../scenarios/Scenario.ts"
import { harmless } from "../report/Paint.ts"
import { suite } from "../Suite.ts"
import { badge } from "./Badge.ts"
import { baseline } from "./Baseline.ts"
import { coverage } from "./Coverage.ts"
import { doctor } from "./Doctor.ts"
import { explain } from "./Explain.ts"
import { described, parseFlags } from "./Flags.ts"
import type { Command, Host } from "./Host.ts"
import { init } from "./Init.ts"
import { list } from "./List.ts"
import { matrix } from "./Matrix.ts"
import { replay } from "./Replay.ts"
import { run } from "./Run.ts"

export const commands: ReadonlyArray<Command> = [
  run,
  init,
  doctor,
  list,
  explain,
  replay,
  baseline,
  coverage,
  matrix,
  badge
]

const ends =
  "Exit codes: 0 conforms, 1 does not or an expected failure is stale, 2 usage, 3 server unreachable or not prepared, 4 fault of the kit."

const overview = (): ReadonlyArray<string> => [
  "Tests any server, by its address, for conformance to the documents of five IM protocols.",
  "",
  "Usage: parley-conformance <command> [flags]",
  "",
  ...commands.map(({ name, operands, summary }) => `  ${`${name} ${operands}`.padEnd(32)} ${summary}`),
  "",
  "parley-conformance <command> --help shows the flags. Flags take precedence over PARLEY_CONFORMANCE_<FLAG>, which takes",
  "precedence over conformance.config.json.",
  ends
]

const helpOf = ({ name, operands, summary, flags }: Command): ReadonlyArray<string> => [
  `Usage: parley-conformance ${name}${operands === "" ? "" : ` ${operands}`}${flags.length === 0 ? "" : " [flags]"}`,
  "",
  `  ${summary}`,
  "",
  ...described(flags),
  "",
  ends
]

/** No command, or an unknown one, was named. */
class NoCommand extends Data.TaggedError("NoCommand")<{ readonly message: string }> {}

const perform = async (args: ReadonlyArray<string>, host: Host): Promise<number> => {
  const [name, ...rest] = args
  if (name === undefined) throw new NoCommand({ message: overview().join("\n") })
  if (["help", "--help", "-h"].includes(name)) {
    for (const line of overview()) host.out(line)
    return 0
  }
  if (name === "--version") {
    host.out(suite.version)
    return 0
  }
  const command = commands.find((one) => one.name === name)
  if (command === undefined) {
    throw new NoCommand({ message: `unknown command ${name}\n\n${overview().join("\n")}` })
  }
  const flags = parseFlags(command, rest)
  if (flags.on("help")) {
    for (const line of helpOf(command)) host.out(line)
    return 0
  }
  return command.run(flags, host)
}

/** The exit code and message of a failure. */
const exitOf = (cause: unknown): readonly [code: number, message: string] => {
  if (cause instanceof NoCommand) return [2, cause.message]
  if (cause instanceof BadOptions || cause instanceof BadExpectations) {
    return [2, `${cause.message}\nparley-conformance --help shows the commands, and <command> --help the flags.`]
  }
  if (cause instanceof BadData) {
    return isOwn(cause.file) ? [4, `the kit failed: ${cause.message}`] : [2, cause.message]
  }
  if (cause instanceof Unreachable) return [3, `cannot reach ${cause.address}: ${cause.message}`]
  if (cause instanceof NotPrepared) return [3, `the server is not prepared: ${cause.message}`]
  // A file that cannot be read or written is a usage error.
  if (cause instanceof Error && "syscall" in cause && "path" in cause) return [2, cause.message]
  return [4, `the kit failed: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`]
}

/** Runs a command line and returns the exit code. Never rejects. */
export const program = async (args: ReadonlyArray<string>, host: Host): Promise<number> => {
  try {
    return await perform(args, host)
  } catch (cause) {
    const [code, message] = exitOf(cause)
    host.err(harmless(message))
    return code
  }
}
