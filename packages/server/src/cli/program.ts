/** The command `parley` with all its subcommands, and its error output. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { chatCommand } from "../chat/command.ts"
import { dbCommand } from "./dbCommand.ts"
import { doctorCommand } from "./doctorCommand.ts"
import { operatorTree } from "./operatorCommands.ts"
import { printable } from "../terminal/printable.ts"
import type { CliContext } from "./CliContext.ts"
import { serveCommand } from "./serve.ts"

/** Runs the command of the arguments. Before it fails, it prints the error as one line. */
export const runCommandLine = (context: CliContext, args: ReadonlyArray<string>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const declared = yield* context.declared
      const parley = Command.make("parley").pipe(
        Command.withDescription("The Parley messaging server"),
        Command.withSubcommands([
          serveCommand(context),
          ...operatorTree(context, declared),
          dbCommand(context),
          doctorCommand(context),
          chatCommand
        ])
      )
      yield* Command.runWith(parley, { version: context.version })(args)
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

/** Prints help to standard output, and a usage error as one line with a hint to standard error. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag !== "InvalidInvocation") return CliOutput.defaultPresenter.present(event)
    const problems = event.errors.map((error) => oneLine(error.message)).join("; ")
    return Console.error(printable(`parley: ${problems}. See ${event.commandPath.join(" ")} --help`))
  }
}

const oneLine = (message: string): string =>
  message
    .replace(/\s*\n\s*/g, " ")
    .replace(/[.\s]+$/, "")
    .trim()
