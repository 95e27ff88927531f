/** All reasons for which protocols cannot express something, with the replacement and its proof. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { newGid } from "../clients.ts"
import { group, organisationGroup, pair } from "./fixture.ts"
import type { Reason } from "./Declaration.ts"
import * as Ha from "./Ha.ts"
import * as Hisihi from "./Hisihi.ts"
import { LEAVER } from "./Place.ts"
import * as Spark from "./Spark.ts"
import { AWAY, type Fields, fresh } from "./context.ts"
import * as Xuanxuan from "./Xuanxuan.ts"
import * as Youdu from "./Youdu.ts"

export const hisihiSaysNothing: Reason = {
  letter: "a",
  because:
    "hisihi sends no messages: the hosted service carries them, and `POST /im/org/<id>/message` keeps a mark of one",
  instead: "the mark is kept, nobody hears of it, and no chat changes",
  proof: Effect.fnUntraced(function* (world) {
    const bob = world.desk("bob")
    const chats = yield* bob.get("getlist")
    const content = fresh("marked only")
    assert.strictEqual((yield* world.ask("POST", "/im/org/2/message", { form: { content } })).status, 201)
    assert.deepStrictEqual(yield* bob.get("getlist"), chats)
    assert.isFalse(bob.delivered.some((message) => message.content === content))
  })
}

export const youduHasNoMessages: Reason = {
  letter: "b",
  because: "youdu's document has sessions only, and no messages",
  instead: "members of its sessions speak through another protocol, and the others hear it; the version stays",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* group("youdu")(world)
    const before = yield* Youdu.session(world, place.gid)
    const content = fresh("said in a session of youdu")
    yield* Spark.push(world, place, content)
    yield* world.desk("bob").untilTold(content)
    assert.deepStrictEqual(yield* Youdu.session(world, place.gid), before)
  })
}

export const xuanxuanTakesNothingBack: Reason = {
  letter: "c",
  because: "xuanxuan's document has no recall",
  instead: "a chat client cannot empty a text by sending its gid again: that is refused; spark and ha can take it back",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* group("xuanxuan")(world)
    const alice = world.desk("alice")
    const gid = yield* Xuanxuan.sayIn(world, place, fresh("stays"))
    const again = yield* alice.ask("message", [{ gid, cgid: place.gid, contentType: "text", content: "" }])
    assert.strictEqual(again.result, "fail")
    const said = yield* alice.get<ReadonlyArray<Fields>>("history", { gid: place.gid })
    assert.isFalse(said.some((message) => message["gid"] === gid && message["content"] === ""))
  })
}

export const onlyHaHides: Reason = {
  letter: "d",
  because: "only ha's document deletes a message for oneself",
  instead:
    "a chat client hides a whole chat (`hide`), which keeps its messages; spark's `message/remove` is for everybody",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* group("xuanxuan")(world)
    const bob = world.desk("bob")
    const gid = yield* Xuanxuan.sayIn(world, place, fresh("in a hidden chat"))
    yield* bob.get("hide", { gid: place.gid, hide: true })
    const said = yield* bob.get<ReadonlyArray<Fields>>("history", { gid: place.gid })
    assert.isTrue(said.some((message) => message["gid"] === gid))
  })
}

export const pairsStay: Reason = {
  letter: "e",
  because: "ha knows pairs only, and a pair has no name and keeps its two members",
  instead: "whoever asks for it, by whatever protocol, is refused",
  proof: Effect.fnUntraced(function* (world) {
    const { gid, id } = yield* pair("bob")(world)
    const alice = world.desk("alice")
    const members = [{ id: world.id("dave") }]
    const bob = [{ id: world.id("bob") }]
    assert.strictEqual((yield* alice.ask("changename", { id: gid, name: "x" })).result, "fail")
    assert.strictEqual((yield* alice.ask("addmember", { gid, members, join: true })).result, "fail")
    assert.strictEqual((yield* alice.ask("addmember", { gid, members: bob, join: false })).result, "fail")
    assert.strictEqual((yield* alice.ask("joinchat", { gid, join: false })).result, "fail")
    const edit = { SessionId: gid, Data: { name: "x" } }
    assert.strictEqual((yield* Spark.asks(world, "alice", "/session/Edit", edit)).status, 403)
    assert.strictEqual((yield* world.ask("PUT", `/im/group/${id}`, { form: { group_name: "x" } })).status, 404)
    const update = { sessionId: gid, opUser: "alice", title: "x" }
    assert.strictEqual((yield* Youdu.asks(world, "update", update)).errcode, 404)
  })
}

export const pairOrGroup: Reason = {
  letter: "f",
  because:
    "a conversation of ha is a pair; sessions of spark and youdu and groups of hisihi are groups, also of two members",
  instead:
    "ha answers that there is no such conversation; the others refuse a pair, or know nothing of it, except that messages of spark go there by its gid",
  proof: Effect.fnUntraced(function* (world) {
    const { gid, id } = yield* pair("bob")(world)
    const to = { SessionId: gid, To: ["dave"] }
    for (const path of ["/session/AddMember", "/session/RemoveMember", "/session/ApproveMember"]) {
      assert.strictEqual((yield* Spark.asks(world, "alice", path, to)).status, 403)
      assert.strictEqual((yield* Spark.asks(world, "erin", path, to)).status, 404)
    }
    const push = { SessionId: gid, Type: 0, Content: fresh("said by spark in a pair") }
    assert.strictEqual((yield* Spark.asks(world, "erin", "/message/push", push)).status, 404)
    assert.strictEqual((yield* Spark.asks(world, "alice", "/message/push", push)).status, 200)
    yield* world.desk("bob").untilTold(push.Content)
    const added = { form: { member_client_ids: "dave" } }
    assert.strictEqual((yield* world.ask("POST", `/im/group/${id}/member`, added)).status, 404)
    assert.strictEqual((yield* Youdu.asks(world, "get", gid)).errcode, 404)
    for (const made of [yield* group("spark")(world), yield* organisationGroup(world), yield* group("youdu")(world)]) {
      const conversationid = Ha.conversationId(made)
      const text = { conversationid, type: -1, content: "x", time: "1700000000000" }
      assert.strictEqual((yield* Ha.asks(world, "bob", "POST", "/message", text)).status, 404)
      const list = `/message?conversationid=${conversationid}`
      assert.strictEqual((yield* Ha.asks(world, "bob", "GET", list)).status, 404)
    }
    const two = yield* Spark.startSession(world, "dave", "erin")
    const ofTwo = yield* Ha.createConversation(world, "dave", "erin")
    const chats = yield* world.desk("dave").get<ReadonlyArray<Fields>>("getlist")
    assert.notStrictEqual(chats.find((chat) => chat["gid"] === two)?.["id"], -100_000_000 - ofTwo)
  })
}

export const sparkReadsNothing: Reason = {
  letter: "g",
  because: "spark's document has no operation that reads messages",
  instead:
    "what was said is in the chat, and is pushed to its members' chat clients; spark takes it back by its gid, whichever protocol sent it",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* group("spark")(world)
    const content = fresh("said by a chat client, taken back by spark")
    const gid = yield* Xuanxuan.sayIn(world, place, content)
    const bob = world.desk("bob")
    yield* bob.untilTold(content)
    yield* Spark.remove(world, place, gid)
    yield* bob.until("the recall", () => bob.delivered.some((one) => one.gid === gid && one.content === ""))
    const two = yield* pair("bob")(world)
    const sent = yield* yield* Ha.sendText(world, two)
    yield* bob.untilTold(sent.content)
    yield* Spark.remove(world, two, sent.gid)
    assert.isFalse((yield* Ha.list(world, "bob", two)).some(({ messagekey }) => messagekey === sent.gid))
  })
}

export const hisihiReadsNothing: Reason = {
  letter: "h",
  because: "hisihi's document has no operation that reads messages",
  instead: "what is said in one of its groups is pushed to the members' chat clients; the lists stay as they are",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* organisationGroup(world)
    const before = yield* Hisihi.listed(world, place.id)
    const content = fresh("said in a group of hisihi")
    yield* Spark.push(world, place, content)
    yield* world.desk("bob").untilTold(content)
    assert.deepStrictEqual(yield* Hisihi.listed(world, place.id), before)
  })
}

export const sparkNamesNothing: Reason = {
  letter: "i",
  because: "no answer of spark carries a name",
  instead: "the session keeps its id, `Members` and `md5`, by which spark knows it",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* group("spark")(world)
    const before = yield* Spark.session(world, place.gid)
    yield* world.desk("alice").get("changename", { id: place.gid, name: fresh("renamed") })
    assert.deepStrictEqual(yield* Spark.session(world, place.gid), before)
  })
}

export const hisihiListsNoMembers: Reason = {
  letter: "j",
  because: "no answer of hisihi lists a group's members",
  instead:
    "its next operation meets the members as they are: removing who has gone is no error, and the group stays listed",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* organisationGroup(world)
    const before = yield* Hisihi.listed(world, place.id)
    yield* world.desk(LEAVER).get("joinchat", { gid: place.gid, join: false })
    assert.deepStrictEqual(yield* Hisihi.listed(world, place.id), before)
    const path = `/im/group/${place.id}/member?member_client_ids=${LEAVER}`
    assert.strictEqual((yield* world.ask("DELETE", path)).status, 204)
  })
}

export const hisihiListsItsOwn: Reason = {
  letter: "k",
  because:
    "a group belongs to an organisation of hisihi only when it was made there: other protocols have no `organization_id`",
  instead:
    "it is in no list of hisihi, and while nobody is asked who they are it cannot be changed through it either; with `hisihi.auth=token` its members change it by `group_id`, and the others see that",
  proof: Effect.fnUntraced(function* (world) {
    for (const maker of ["xuanxuan", "spark", "youdu"] as const) {
      const place = yield* group(maker)(world)
      assert.deepStrictEqual(yield* Hisihi.listed(world, place.id), { group: undefined, contact: undefined })
      const renaming = { form: { group_name: "x" } }
      assert.strictEqual((yield* world.ask("PUT", `/im/group/${place.id}`, renaming)).status, 404)
    }
  })
}

export const sparkHasNoLeaving: Reason = {
  letter: "l",
  because: "spark's document has no leaving, and `session/RemoveMember` is for admins",
  instead: "a member who names themself is refused and stays; they leave through another protocol",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* group("youdu")(world)
    const naming = { SessionId: place.gid, To: [LEAVER] }
    assert.strictEqual((yield* Spark.asks(world, LEAVER, "/session/RemoveMember", naming)).status, 403)
    assert.include((yield* Youdu.session(world, place.gid)).member, LEAVER)
  })
}

export const hisihiHasNobodyToLeave: Reason = {
  letter: "m",
  because: "hisihi, where nobody is asked who they are, has nobody who could leave",
  instead:
    "a member who is named in `DELETE …/member` is removed, and the others are told so; with `hisihi.auth=token` only admins remove, so that a member who names themself stays",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* organisationGroup(world)
    const seen = yield* Xuanxuan.seesRemoved(world, place)
    yield* seen(yield* yield* Hisihi.removeMember(world, place))
  })
}

export const takingIsNotReading: Reason = {
  letter: "n",
  because: "xuanxuan's document has no reading: what a chat client acknowledges it has, read or not",
  instead: "ha shows the message as pushed, and not as read, also after the client has asked for the history",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* pair(AWAY)(world)
    const taking = yield* Xuanxuan.takeDelivery(world, place)
    const seen = yield* Ha.seesTaken(world, place)
    yield* seen(yield* taking)
    const bobs = yield* pair("bob")(world)
    const bob = world.desk("bob")
    const content = fresh("acknowledged, not read")
    const gid = yield* Xuanxuan.sayIn(world, bobs, content)
    yield* bob.untilTold(content)
    bob.acknowledge(bob.packets)
    yield* bob.get("history", { gid: bobs.gid })
    const shown = (yield* Ha.list(world, "alice", bobs)).find(({ messagekey }) => messagekey === gid)
    assert.deepInclude(shown, { ispushed: 1, isread: 0 })
  })
}

export const appsTakeNothing: Reason = {
  letter: "o",
  because: "spark, hisihi and youdu read no messages and hold no connection: nothing is taken or read by them",
  instead: "what is kept for a member waits for their chat client, also when their app has spoken meanwhile",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* group("spark")(world)
    const content = fresh("waits all the same")
    yield* Xuanxuan.sayIn(world, place, content)
    yield* Spark.push(world, { ...place, lead: AWAY }, fresh("said while away"))
    yield* Youdu.session(world, place.gid)
    const { delivered } = yield* world.comesBackFor(content)
    assert.isTrue(delivered.some((message) => message.content === content))
    // ha shows the same for a direct chat with messages of both through spark.
    const two = yield* pair(AWAY)(world)
    const waiting = fresh("waits in a pair")
    const gid = yield* Spark.push(world, two, waiting)
    yield* Spark.push(world, { ...two, lead: AWAY }, fresh("said while away"))
    const shown = () =>
      Effect.map(Ha.list(world, "alice", two), (all) => all.find(({ messagekey }) => messagekey === gid))
    assert.deepInclude(yield* shown(), { ispushed: 0, isread: 0 })
    yield* world.comesBackFor(waiting)
    assert.deepInclude(yield* shown(), { ispushed: 1, isread: 0 })
  })
}

export const haTakesNothing: Reason = {
  letter: "p",
  because: "ha holds no connection to which anything is pushed",
  instead: "listing is reading, and takes nothing out of the queue: the message is still delivered to a chat client",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* pair(AWAY)(world)
    const content = fresh("listed, then taken")
    const gid = yield* Xuanxuan.sayIn(world, place, content)
    yield* Ha.list(world, AWAY, place)
    const shown = (yield* Ha.list(world, "alice", place)).find(({ messagekey }) => messagekey === gid)
    assert.deepInclude(shown, { ispushed: 0, isread: 1 })
    yield* world.comesBackFor(content)
  })
}

export const onlyHaShowsStates: Reason = {
  letter: "q",
  because: "only ha's document shows how far another member is",
  instead: "nothing is pushed, and chats and messages are shown as before",
  proof: Effect.fnUntraced(function* (world) {
    const place = yield* pair("bob")(world)
    const alice = world.desk("alice")
    yield* alice.get("message", [
      { gid: newGid(), cgid: place.gid, contentType: "text", content: fresh("read by bob") }
    ])
    const history = () => alice.get<ReadonlyArray<Fields>>("history", { gid: place.gid })
    const pushes = () =>
      alice.heard.filter(
        ({ result, data }) => result === undefined && JSON.stringify(data)?.includes(`"${place.gid}"`) === true
      )
    const [before, heard] = [yield* history(), pushes().length]
    yield* Ha.list(world, "bob", place)
    assert.deepStrictEqual(yield* history(), before)
    assert.strictEqual(pushes().length, heard)
  })
}
