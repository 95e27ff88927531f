/** `parley` with all its commands, and how it speaks to whoever types them. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { chatCommand } from "../chat/command.ts"
import { operatorTree } from "./operatorCommands.ts"
import { printable } from "../terminal/printable.ts"
import type { CliContext } from "./CliContext.ts"
import { serveCommand } from "./serve.ts"

/** Runs the command that the arguments name. Whatever is wrong has been said, in one line, once this fails. */
export const runCommandLine = (parts: CliContext, args: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const declared = yield* parts.declared
      const parley = Command.make("parley").pipe(
        Command.withDescription("The Parley messaging server"),
        Command.withSubcommands([serveCommand(parts), ...operatorTree(parts, declared), chatCommand])
      )
      yield* Command.runWith(parley, { version: parts.version })(args)
    })
  ).pipe(
    Effect.provideService(CliOutput.Presenter, presenter),
    Effect.provideService(CliConfig.CliConfig, {
      builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions]
    }),
    Effect.tapError((error) =>
      error._tag === "ShowHelp" ? Effect.void : Console.error(printable(`parley: ${error.message}`))
    )
  )

/** Help goes to standard output; a mistake is one line on standard error that says where help is. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    const said = event.errors.map((error) => oneLine(error.message)).join("; ")
    return Console.error(printable(`parley: ${said}. See ${event.commandPath.join(" ")} --help`))
  }
}

const oneLine = (message: string): string =>
  message
    .replace(/\s*\n\s*/g, " ")
    .replace(/[.\s]+$/, "")
    .trim()
