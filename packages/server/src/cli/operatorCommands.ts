/** Maps operator commands of the server and of protocols to commands of the command line. */
import { CommandFiles } from "@parley/core/CommandFiles"
import type { CommandInput, OperatorCommand } from "@parley/core/Dialect"
import { Progress } from "@parley/core/Progress"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { openCommandFile } from "./commandFiles.ts"
import { configFlag, createFlag, databaseFlag, readConfiguration } from "./flags.ts"
import { runCommand } from "./runCommand.ts"
import type { CliContext } from "./CliContext.ts"
import { prepareInputs } from "./prepareInput.ts"
import { jsonOf, tableOf } from "../terminal/columns.ts"
import { printable } from "../terminal/printable.ts"
import { makeProgressLine } from "../terminal/ProgressLine.ts"

/** Descriptions of the server's own command groups in `parley --help`. */
const GROUPS: Readonly<Record<string, string>> = {
  backup: "Copy the database",
  demo: "Remove the demonstration",
  user: "Add, list, change, remove and import users",
  session: "List and end sessions",
  node: "List the nodes of a shared database",
  explain: "Explain why an operation is allowed or refused"
}

/** Returns one command for each first word. */
export const operatorTree = (context: CliContext, commands: ReadonlyArray<OperatorCommand>) =>
  Array.from(byFirstWord(commands), ([word, group]) => node(context, word, group, []))

/** Commands of a group, with the rest of their path. */
type Group = ReadonlyArray<{ readonly rest: ReadonlyArray<string>; readonly command: OperatorCommand }>

const byFirstWord = (commands: ReadonlyArray<OperatorCommand>): ReadonlyMap<string, Group> =>
  group(commands.map((command) => ({ rest: command.path, command })))

const group = (entries: Group): ReadonlyMap<string, Group> => {
  const groups = new Map<string, Group>()
  for (const { rest, command } of entries) {
    const [word = "", ...others] = rest
    groups.set(word, [...(groups.get(word) ?? []), { rest: others, command }])
  }
  return groups
}

type Leaf = ReturnType<typeof leaf>
type Node = Command.Command<string, never, {}, Command.Error<Leaf>, Command.Services<Leaf>>

const node = (context: CliContext, word: string, entries: Group, path: ReadonlyArray<string>): Node => {
  const own = entries.find(({ rest }) => rest.length === 0)
  if (own !== undefined) return leaf(context, word, own.command)
  const children = Array.from(group(entries), ([child, inner]) => node(context, child, inner, [...path, word]))
  const description =
    GROUPS[[...path, word].join(" ")] ??
    entries.find(({ command }) => command.group)?.command.group ??
    `Commands of ${word}`
  // A group without a handler shows its help.
  return Command.make(word).pipe(Command.withDescription(description), Command.withSubcommands(children))
}

const jsonFlag = Flag.Boolean("json").pipe(
  Flag.withDescription("Print a JSON array, with an object for each row"),
  Flag.withDefault(false)
)

const leaf = (context: CliContext, word: string, command: OperatorCommand) =>
  Command.make(
    word,
    {
      inputs: Object.fromEntries(command.inputs.map((input) => [input.name, param(input)])),
      database: databaseFlag,
      create: createFlag,
      config: configFlag,
      ...(command.lists === true && { json: jsonFlag })
    },
    Effect.fnUntraced(function* ({ inputs, database, create, config, json = false }) {
      const configuration = yield* readConfiguration(context.dialectSettings, { database, config })
      const given = Object.fromEntries(
        Object.entries(inputs).flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : []))
      )
      const request = yield* prepareInputs({ words: command.path, inputs: given })
      const progress = makeProgressLine(process.stderr)
      const output = yield* runCommand(context, configuration, request, {
        create,
        isOffline: command.offline === true
      }).pipe(
        Effect.provideService(Progress, progress.report),
        Effect.provideService(CommandFiles, openCommandFile),
        Effect.ensuring(Effect.sync(progress.end))
      )
      const text = typeof output === "string" ? output : json ? jsonOf(output) : tableOf(output)
      if (text !== "") yield* Console.log(printable(text))
    })
  ).pipe(Command.withDescription(command.description))

const param = (input: CommandInput) => (input.positional === true ? argument(input) : flag(input))

const integerOf = (text: string): Option.Option<number> => {
  const value = text.trim() === "" ? Number.NaN : Number(text)
  return Number.isSafeInteger(value) ? Option.some(value) : Option.none()
}

const argument = ({ name, kind, required, description }: CommandInput) => {
  const base: Argument.Argument<string | number> =
    kind === "integer"
      ? Argument.String(name).pipe(
          Argument.withMetavar("integer"),
          Argument.filterMap(integerOf, () => "an integer")
        )
      : Argument.String(name)
  const described = base.pipe(Argument.withDescription(description))
  return required ? described.pipe(Argument.map(Option.some)) : Argument.optional(described)
}

const flag = ({ name, kind, required, description, repeats }: CommandInput) => {
  const base: Flag.Flag<string | number | boolean> =
    kind === "integer"
      ? Flag.String(name).pipe(
          Flag.withMetavar("integer"),
          Flag.filterMap(integerOf, () => "an integer")
        )
      : kind === "boolean"
        ? Flag.Boolean(name)
        : Flag.String(name)
  const described = base.pipe(Flag.withDescription(description))
  if (repeats === true) {
    return described.pipe(
      Flag.atLeast(required ? 1 : 0),
      Flag.map((values) => (values.length === 0 ? Option.none() : Option.some(values.join("\n"))))
    )
  }
  return required ? described.pipe(Flag.map(Option.some)) : Flag.optional(described)
}
