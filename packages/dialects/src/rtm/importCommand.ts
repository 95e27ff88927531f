/**
 * The command `parley import leancloud`: conversations and messages of the hosted service, from its files. It can be
 * repeated, even after it was killed: stored messages stay, and the rest follows.
 */
import { CommandFiles } from "@parley/core/CommandFiles"
import type { OperatorCommand } from "@parley/core/Dialect"
import { Progress } from "@parley/core/Progress"
import * as Effect from "effect/Effect"
import type { Deps } from "./context.ts"
import type { ImportContext } from "./ImportContext.ts"
import { importConversations } from "./importConversations.ts"
import { ImportedClients } from "./ImportedClients.ts"
import { importMessages, indexMessages } from "./importMessages.ts"
import { ImportReport } from "./ImportReport.ts"
import { MessageIndex } from "./MessageIndex.ts"
import { type NamedFile, readValues } from "./readValues.ts"

const openFiles = Effect.fnUntraced(function* (names: ReadonlyArray<string>) {
  const open = yield* CommandFiles
  return yield* Effect.forEach(names, (name) =>
    Effect.map(open(name), ({ read, size }): NamedFile => ({ name, read, size }))
  )
})

const run = Effect.fnUntraced(function* (
  deps: Deps,
  inputs: Parameters<OperatorCommand["run"]>[0]
): Effect.fn.Return<string, string> {
  const appId = String(inputs["app"])
  const app = yield* Effect.mapError(deps.apps.find(appId), () => "the apps cannot be read")
  if (app === undefined) return yield* Effect.fail(`there is no app ${appId}: add it with "rtm-app add"`)
  const names = (name: string) => (inputs[name] === undefined ? [] : String(inputs[name]).split("\n"))
  const isDry = inputs["dry-run"] === true
  const context: ImportContext = {
    deps,
    app,
    isDry,
    clients: new ImportedClients(deps, appId, app, isDry),
    report: new ImportReport(),
    conversations: new Set(),
    imported: new Map(),
    commit: (writes) =>
      isDry || writes.length === 0
        ? Effect.void
        : Effect.asVoid(
            Effect.mapError(
              deps.engine.commit({ expectedVersions: [], writes }),
              ({ _tag }) => `the database refused a part of the import (${_tag}); run the command again`
            )
          ),
    orFail: (read) => Effect.mapError(read, () => "the database cannot be read")
  }
  const { report } = context
  const progress = yield* Progress
  yield* Effect.scoped(
    Effect.gen(function* () {
      const conversationFiles = yield* openFiles(names("conversations"))
      const messageFiles = yield* openFiles(names("messages"))
      for (const file of conversationFiles) {
        yield* readValues(file, (values) => importConversations(context, file, values))
      }
      const index = new MessageIndex()
      for (const [number, file] of messageFiles.entries()) {
        yield* readValues(file, (values) => indexMessages(context, index, file, number, values))
      }
      yield* importMessages(context, messageFiles, index, (done) => progress(done, index.size))
    })
  )
  const summary = report.summary(context.clients.created, isDry)
  if (report.problems === 0) return summary
  return yield* Effect.fail(`${summary}; ${report.problems} problems, listed above, were left out`)
})

export const importCommand = (deps: Deps): OperatorCommand => ({
  path: ["import", "leancloud"],
  group: "Import conversations and messages of other services",
  description:
    "Import conversations and messages of LeanCloud, with their ids and times, while no server runs. Can be repeated and resumed. Prints each line that it leaves out, and then ends with status 1",
  offline: true,
  inputs: [
    { name: "app", kind: "text", required: true, description: "The id of an app of rtm, whose clients they are" },
    {
      name: "conversations",
      kind: "text",
      required: false,
      repeats: true,
      description: "File with objects of _Conversation: JSON lines, an array, or results; can be given several times"
    },
    {
      name: "messages",
      kind: "text",
      required: false,
      repeats: true,
      description:
        "File with messages as the REST API lists a history: JSON lines or arrays, in any order; can be given several times. All messages of a conversation belong into one run"
    },
    { name: "dry-run", kind: "boolean", required: false, description: "Check the files, and write nothing" }
  ],
  run: (inputs) => run(deps, inputs)
})
