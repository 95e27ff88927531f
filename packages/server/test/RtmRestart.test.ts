/** A server that is killed while clients of rtm send: they open their sessions again, and every message is stored once. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type IMClient, Realtime, TextMessage } from "leancloud-realtime"
import { folder, start } from "./serverProcess.ts"

/** Serves at a port; 0 selects a free one. Returns the address. */
const serveAt = Effect.fnUntraced(function* (cwd: string, port: string) {
  const program = yield* start(cwd, ["serve", "--port", port, "--tcp-port", "off", "--demo"])
  const line = yield* program.until(/^listening /)
  return { ...program, host: new URL(line.split(" ")[1] ?? "").host }
})

/** A client with a connection of its own, and a function that reconnects it once the server is back. */
const connect = async (host: string, account: string) => {
  const realtime = new Realtime({
    appId: "rtm-demo",
    appKey: "unused",
    RTMServers: `ws://${host}/rtm`,
    server: host
  } as ConstructorParameters<typeof Realtime>[0])
  const client = await realtime.createIMClient(account)
  let isBack = false
  const retry = (): void => {
    try {
      if (isBack) realtime.retry()
    } catch {
      // An attempt is under way; a failed one is scheduled again.
    }
  }
  realtime.on("schedule" as never, retry as never)
  const reconnected = new Promise<void>((resolve) => {
    client.on("reconnect" as never, (() => resolve()) as never)
  })
  return {
    client,
    comeBack: async (): Promise<void> => {
      isBack = true
      retry()
      await reconnected
    }
  }
}

/** Returns the texts of a conversation, oldest first. */
const textsIn = async (client: IMClient, id: string): Promise<ReadonlyArray<string>> => {
  const conversation = await client.getConversation(id)
  const messages = await conversation.queryMessages({ limit: 1000 } as never)
  return messages.map((message) => (message as TextMessage).text)
}

describe("a server that is killed under clients of rtm", () => {
  it.live("has every message once, and all that it acknowledged", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const first = yield* serveAt(cwd, "0")
      const [alice, bob] = yield* Effect.promise(() =>
        Promise.all([connect(first.host, "alice"), connect(first.host, "bob")])
      )
      const conversation = yield* Effect.promise(() =>
        alice.client.createConversation({ members: ["bob"], name: "Crash", unique: false })
      )
      const messages = Array.from({ length: 200 }, (_, index) => new TextMessage(`message ${index}`))
      const pending = new Set(messages)
      yield* Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            for (const message of messages) {
              conversation.send(message).then(
                () => {
                  pending.delete(message)
                  if (pending.size === 150) resolve()
                },
                () => {}
              )
            }
          })
      )
      first.child.kill("SIGKILL")
      yield* first.ended
      const acknowledged = messages.filter((message) => !pending.has(message)).map(({ text }) => text)
      yield* serveAt(cwd, first.host.split(":")[1] ?? "")
      yield* Effect.promise(() => Promise.all([alice.comeBack(), bob.comeBack()]))

      const kept = yield* Effect.promise(() => textsIn(bob.client, conversation.id))
      assert.deepStrictEqual(kept, messages.map(({ text }) => text).slice(0, kept.length))
      assert.isAtLeast(kept.length, acknowledged.length)
      for (const message of pending) yield* Effect.promise(() => conversation.send(message))
      assert.deepStrictEqual(
        yield* Effect.promise(() => textsIn(bob.client, conversation.id)),
        messages.map(({ text }) => text)
      )
      yield* Effect.promise(() => Promise.all([alice.client.close(), bob.client.close()]))
    }).pipe(Effect.scoped)
  )
})
