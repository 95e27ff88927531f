/** The command `parley doctor`: examines all that a server with this configuration needs, with advice for each fault. */
import { dirname } from "node:path"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { Configuration } from "../config/Configuration.ts"
import { isServed } from "../control/client.ts"
import { controlAddressOf } from "../control/socketPath.ts"
import { refuseReachableDemo } from "../demo/demoGuard.ts"
import { examineDatabase } from "../doctor/database.ts"
import { type Examined, fail, ok } from "../doctor/Examined.ts"
import { examineClock, examineNode, examineOpenFiles, readLimits } from "../doctor/machine.ts"
import { examinePort, examineReach } from "../doctor/network.ts"
import { examineFolder } from "../doctor/storage.ts"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import { printable } from "../terminal/printable.ts"
import type { CliContext } from "./CliContext.ts"
import { readConfiguration, serveFlags } from "./flags.ts"

const examine = Effect.fnUntraced(function* ({ serve }: Configuration) {
  const { database, files, host, port, tcpPort } = serve
  const served =
    database._tag === "Memory"
      ? false
      : yield* controlAddressOf(database).pipe(
          Effect.flatMap(isServed),
          Effect.orElseSucceed(() => false)
        )
  const demo = yield* Effect.match(refuseReachableDemo(serve), {
    onFailure: ({ message }) => fail("configuration", message, "listen on 127.0.0.1 without proxies, or drop --demo"),
    onSuccess: () => ok("configuration", "its settings are valid")
  })
  const { lines, state } = yield* examineDatabase(database, served)
  return [
    demo,
    ...lines,
    ...(database._tag === "Sqlite" ? [examineFolder("database folder", dirname(database.file))] : []),
    ...(files._tag === "Folder" ? [examineFolder("files folder", files.path)] : []),
    yield* examinePort("port", "--port", { host, port }, served),
    ...(tcpPort === undefined ? [] : [yield* examinePort("TCP port", "--tcp-port", { host, port: tcpPort }, served)]),
    ...examineReach(serve),
    examineClock(yield* Clock.currentTimeMillis, state)
  ]
})

const lineOf = ({ advice, name, status, text }: Examined): string =>
  `${status.padEnd(4)}  ${name}: ${text}${advice === undefined ? "" : `. To do: ${advice}`}`

export const doctorCommand = (context: CliContext) =>
  Command.make(
    "doctor",
    {
      ...serveFlags,
      json: Flag.Boolean("json").pipe(
        Flag.withDescription("Print a JSON array, with an object for each line"),
        Flag.withDefault(false)
      )
    },
    Effect.fnUntraced(function* ({ json, ...flags }) {
      // An invalid configuration is one of the faults to report.
      const configured = yield* readConfiguration(context.dialectSettings, flags).pipe(
        Effect.flatMap(examine),
        Effect.catchTag("Misconfigured", ({ message }) =>
          Effect.succeed([fail("configuration", message, "correct it; docs/configuration.md lists the settings")])
        )
      )
      const lines = [...configured, examineNode(process.versions.node), ...examineOpenFiles(readLimits())]
      yield* Console.log(json ? JSON.stringify(lines, undefined, 2) : printable(lines.map(lineOf).join("\n")))
      const failed = lines.filter(({ status }) => status === "fail").length
      if (failed > 0) return yield* new CommandFailed({ message: `a server cannot run like this (${failed} to mend)` })
    })
  ).pipe(
    Command.withDescription(
      "Examine configuration, database, disk, ports, clock and limits for a server with these flags"
    )
  )
