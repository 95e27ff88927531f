/** Conversations in a program, without any server: what the page on embedding shows, as a program that runs. */
import assert from "node:assert/strict"
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { createEngine, ParleyError } from "@parley/core"
import { Engine } from "@parley/core/Engine"

const heard: Array<string> = []
const notify = (user: number, text: string): number => heard.push(`${user}: ${text}`)

// The engine
const engine = await createEngine({ store: MemoryStore.layer, blobs: MemoryBlobs.layer })
await engine.users.addAll([{ account: "ann" }, { account: "ben" }, { account: "cat" }])

// Actions of a user
const ann = engine.as("ann")
const team = await ann.createGroup({ name: "Team", members: ["ben", "cat"] })
const hello = await ann.send(team, "Hello!")
await engine.as("ben").read(team)
await engine.as("ben").send(team, "Hello, Ann")
const unread = await engine.as("cat").unread()
const { messages } = await engine.as("cat").history(team, { size: 20, number: 1 })
const [file] = await ann.upload(team, { title: "plan.txt", content: "Tea at four." })
const owed = await engine.as("cat").queue()
await engine.as("cat").acknowledge(owed.map((row) => row.id))
await ann.recall(hello)

// Events
const stop = engine.on("message", ({ message, chat, recipients }) => {
  if (recipients === "everyone") return
  for (const user of recipients) notify(user, `${chat.name}: ${message.content}`)
})
await ann.send(team, "Tea is ready")
stop()

// A log
const seen: Array<number> = []
for await (const { seq, message } of engine.as("ben").log(team, { after: 1 })) {
  seen.push(seq)
  if (message?.content === "Tea is ready") break
}

// Refusals
try {
  await engine.as("cat").recall(messages[0] ?? hello)
} catch (error) {
  if (!(error instanceof ParleyError)) throw error
  console.log(error.code, error.message)
}
const decision = await engine.explain("cat", team, "recallOthers")

// With Effect
const { perform } = await engine.run(Engine)
const listed = await engine.run(perform({ user: await ann.id(), device: null }, { _tag: "ListChats" }))

assert.deepEqual(unread, [{ id: team.id, gid: team.gid, count: 2, more: false, read: 1 }])
assert.deepEqual(
  messages.map(({ content }) => content),
  ["Hello, Ann", "Hello!"]
)
assert.equal(file?.title, "plan.txt")
assert.deepEqual(
  owed.map(({ level, module, method }) => [level, module, method]),
  [
    [3, "chat", "message"],
    [3, "chat", "message"]
  ]
)
assert.deepEqual(heard, ["2: Team: Tea is ready", "3: Team: Tea is ready"])
assert.deepEqual(seen, [2, 3, 4, 5])
assert.equal(decision.allowed, false)
assert.deepEqual(
  listed.map(({ chat }) => chat.gid),
  [team.gid]
)

await engine.close()
