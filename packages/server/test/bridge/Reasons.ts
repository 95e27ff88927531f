/** All reasons for which protocols cannot express something, with the replacement and its proof. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { newGid } from "../clients.ts"
import { group, organisationGroup, pair } from "./fixture.ts"
import type { Reason } from "./Declaration.ts"
import * as Ha from "./Ha.ts"
import * as Hisihi from "./Hisihi.ts"
import { LEAVER } from "./CellChat.ts"
import * as Spark from "./Spark.ts"
import { OFFLINE, type Fields, fresh } from "./context.ts"
import * as Xuanxuan from "./Xuanxuan.ts"
import { APP_ACCOUNT, type Packet } from "./callback.ts"
import * as Youdu from "./Youdu.ts"

export const hisihiSaysNothing: Reason = {
  letter: "a",
  because:
    "hisihi sends no messages: the hosted service transports them, and `POST /im/org/<id>/message` stores a record of one",
  instead: "the record is stored, nothing is pushed, and no chat changes",
  proof: Effect.fnUntraced(function* (context) {
    const bob = context.clientOf("bob")
    const chats = yield* bob.get("getlist")
    const content = fresh("marked only")
    assert.strictEqual((yield* context.ask("POST", "/im/org/2/message", { form: { content } })).status, 201)
    assert.deepStrictEqual(yield* bob.get("getlist"), chats)
    assert.isFalse(bob.delivered.some((message) => message.content === content))
  })
}

export const youduTakesNothingBack: Reason = {
  letter: "r",
  because: "the public SDKs of youdu have no operation that recalls a message",
  instead: "spark recalls it by its gid, the `id` of the response",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* group("youdu")(context)
    const { gid, content } = yield* yield* Youdu.sendText(context, target)
    const bob = context.clientOf("bob")
    yield* bob.untilMessage(content)
    yield* Spark.remove(context, target, gid)
    yield* bob.until("the recall", () => bob.delivered.some((one) => one.gid === gid && one.content === ""))
  })
}

export const callbackHasNoRecall: Reason = {
  letter: "s",
  because: "a callback of youdu has no packet for the recall of a message that it has",
  instead: "the app keeps what it got; a message that is recalled before it is sent to the callback never is",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* pair(APP_ACCOUNT)(context)
    const content = fresh("kept by the app")
    const gid = yield* Xuanxuan.sayIn(context, target, content)
    const has = (text: string) => (packet: Packet) => (packet["text"] as Fields | undefined)?.["content"] === text
    yield* context.callback.until(has(content))
    yield* Spark.remove(context, target, gid)
    const next = fresh("after the recall")
    const before = context.callback.packets.length
    yield* Xuanxuan.sayIn(context, target, next)
    yield* context.callback.until(has(next))
    assert.strictEqual(context.callback.packets.length, before + 1)
  })
}

export const onlyChatClientsEdit: Reason = {
  letter: "c",
  because: "the documents of spark, ha and youdu have no edit",
  instead: "an app recalls its message and sends another; a chat client edits with the module `parley` of xuanxuan",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* group("spark")(context)
    const gid = yield* Spark.push(context, target, fresh("to be replaced"))
    const asked = yield* Spark.asks(context, target.lead, "/message/edit", { MessageId: gid, Content: "new" })
    assert.strictEqual(asked.status, 404)
    yield* Spark.remove(context, target, gid)
    const content = fresh("sent instead")
    yield* Spark.push(context, target, content)
    yield* context.clientOf("bob").untilMessage(content)
  })
}

export const onlyHaHides: Reason = {
  letter: "d",
  because: "only ha's document deletes a message for one user",
  instead:
    "a chat client hides a whole chat (`hide`), which keeps its messages; spark's `message/remove` applies to all members",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* group("xuanxuan")(context)
    const bob = context.clientOf("bob")
    const gid = yield* Xuanxuan.sayIn(context, target, fresh("in a hidden chat"))
    yield* bob.get("hide", { gid: target.gid, hide: true })
    const said = yield* bob.get<ReadonlyArray<Fields>>("history", { gid: target.gid })
    assert.isTrue(said.some((message) => message["gid"] === gid))
  })
}

export const pairsStay: Reason = {
  letter: "e",
  because: "ha has direct chats only, without a name and with two fixed members",
  instead: "every such request is refused, through any protocol",
  proof: Effect.fnUntraced(function* (context) {
    const { gid, id } = yield* pair("bob")(context)
    const alice = context.clientOf("alice")
    const members = [{ id: context.id("dave") }]
    const bob = [{ id: context.id("bob") }]
    assert.strictEqual((yield* alice.ask("changename", { id: gid, name: "x" })).result, "fail")
    assert.strictEqual((yield* alice.ask("addmember", { gid, members, join: true })).result, "fail")
    assert.strictEqual((yield* alice.ask("addmember", { gid, members: bob, join: false })).result, "fail")
    assert.strictEqual((yield* alice.ask("joinchat", { gid, join: false })).result, "fail")
    const edit = { SessionId: gid, Data: { name: "x" } }
    assert.strictEqual((yield* Spark.asks(context, "alice", "/session/Edit", edit)).status, 403)
    assert.strictEqual((yield* context.ask("PUT", `/im/group/${id}`, { form: { group_name: "x" } })).status, 404)
    const update = { sessionId: gid, opUser: "alice", title: "x" }
    assert.strictEqual((yield* Youdu.asks(context, "update", update)).errcode, 404)
  })
}

export const pairOrGroup: Reason = {
  letter: "f",
  because:
    "a conversation of ha is a direct chat; sessions of spark and youdu and groups of hisihi are groups, even with two members",
  instead:
    "ha does not find the conversation; the others refuse a direct chat or do not list it, except that spark can send messages by its gid, and youdu to its two users",
  proof: Effect.fnUntraced(function* (context) {
    const { gid, id } = yield* pair("bob")(context)
    const to = { SessionId: gid, To: ["dave"] }
    for (const path of ["/session/AddMember", "/session/RemoveMember", "/session/ApproveMember"]) {
      assert.strictEqual((yield* Spark.asks(context, "alice", path, to)).status, 403)
      assert.strictEqual((yield* Spark.asks(context, "erin", path, to)).status, 404)
    }
    const push = { SessionId: gid, Type: 0, Content: fresh("said by spark in a pair") }
    assert.strictEqual((yield* Spark.asks(context, "erin", "/message/push", push)).status, 404)
    assert.strictEqual((yield* Spark.asks(context, "alice", "/message/push", push)).status, 200)
    yield* context.clientOf("bob").untilMessage(push.Content)
    const added = { form: { member_client_ids: "dave" } }
    assert.strictEqual((yield* context.ask("POST", `/im/group/${id}/member`, added)).status, 404)
    assert.strictEqual((yield* Youdu.asks(context, "get", gid)).errcode, 404)
    for (const made of [
      yield* group("spark")(context),
      yield* organisationGroup(context),
      yield* group("youdu")(context)
    ]) {
      const conversationid = Ha.conversationId(made)
      const text = { conversationid, type: -1, content: "x", time: "1700000000000" }
      assert.strictEqual((yield* Ha.asks(context, "bob", "POST", "/message", text)).status, 404)
      const list = `/message?conversationid=${conversationid}`
      assert.strictEqual((yield* Ha.asks(context, "bob", "GET", list)).status, 404)
    }
    const two = yield* Spark.startSession(context, "dave", "erin")
    const ofTwo = yield* Ha.createConversation(context, "dave", "erin")
    const chats = yield* context.clientOf("dave").get<ReadonlyArray<Fields>>("getlist")
    assert.notStrictEqual(chats.find((chat) => chat["gid"] === two)?.["id"], -100_000_000 - ofTwo)
  })
}

export const sparkReadsNothing: Reason = {
  letter: "g",
  because: "spark's document has no operation that reads messages",
  instead:
    "messages are stored in the chat, and pushed to its members' chat clients; spark recalls them by gid, whichever protocol sent them",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* group("spark")(context)
    const content = fresh("said by a chat client, taken back by spark")
    const gid = yield* Xuanxuan.sayIn(context, target, content)
    const bob = context.clientOf("bob")
    yield* bob.untilMessage(content)
    yield* Spark.remove(context, target, gid)
    yield* bob.until("the recall", () => bob.delivered.some((one) => one.gid === gid && one.content === ""))
    const two = yield* pair("bob")(context)
    const sent = yield* yield* Ha.sendText(context, two)
    yield* bob.untilMessage(sent.content)
    yield* Spark.remove(context, two, sent.gid)
    assert.isFalse((yield* Ha.list(context, "bob", two)).some(({ messagekey }) => messagekey === sent.gid))
  })
}

export const hisihiReadsNothing: Reason = {
  letter: "h",
  because: "hisihi's document has no operation that reads messages",
  instead: "messages in its groups are pushed to the members' chat clients; the lists do not change",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* organisationGroup(context)
    const before = yield* Hisihi.listed(context, target.id)
    const content = fresh("said in a group of hisihi")
    yield* Spark.push(context, target, content)
    yield* context.clientOf("bob").untilMessage(content)
    assert.deepStrictEqual(yield* Hisihi.listed(context, target.id), before)
  })
}

export const sparkNamesNothing: Reason = {
  letter: "i",
  because: "no response of spark contains a name",
  instead: "the session keeps its id, `Members` and `md5`, which identify it in spark",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* group("spark")(context)
    const before = yield* Spark.session(context, target.gid)
    yield* context.clientOf("alice").get("changename", { id: target.gid, name: fresh("renamed") })
    assert.deepStrictEqual(yield* Spark.session(context, target.gid), before)
  })
}

export const hisihiListsNoMembers: Reason = {
  letter: "j",
  because: "no response of hisihi lists a group's members",
  instead:
    "its next operation applies to the current members: removing a former member is not an error, and the group stays listed",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* organisationGroup(context)
    const before = yield* Hisihi.listed(context, target.id)
    yield* context.clientOf(LEAVER).get("joinchat", { gid: target.gid, join: false })
    assert.deepStrictEqual(yield* Hisihi.listed(context, target.id), before)
    const path = `/im/group/${target.id}/member?member_client_ids=${LEAVER}`
    assert.strictEqual((yield* context.ask("DELETE", path)).status, 204)
  })
}

export const hisihiListsItsOwn: Reason = {
  letter: "k",
  because:
    "a group belongs to an organisation of hisihi only if it was created there: other protocols have no `organization_id`",
  instead:
    "it is not in any list of hisihi; without authentication it cannot be changed through hisihi either; with `hisihi.auth=token` its members change it by `group_id`, which the others see",
  proof: Effect.fnUntraced(function* (context) {
    for (const maker of ["xuanxuan", "spark", "youdu"] as const) {
      const target = yield* group(maker)(context)
      assert.deepStrictEqual(yield* Hisihi.listed(context, target.id), { group: undefined, contact: undefined })
      const renaming = { form: { group_name: "x" } }
      assert.strictEqual((yield* context.ask("PUT", `/im/group/${target.id}`, renaming)).status, 404)
    }
  })
}

export const sparkHasNoLeaving: Reason = {
  letter: "l",
  because: "spark's document has no operation to leave, and `session/RemoveMember` is for admins",
  instead: "members cannot remove themselves; they leave through another protocol",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* group("youdu")(context)
    const naming = { SessionId: target.gid, To: [LEAVER] }
    assert.strictEqual((yield* Spark.asks(context, LEAVER, "/session/RemoveMember", naming)).status, 403)
    assert.include((yield* Youdu.session(context, target.gid)).member, LEAVER)
  })
}

export const hisihiHasNobodyToLeave: Reason = {
  letter: "m",
  because: "without authentication, hisihi has no user that could leave",
  instead:
    "a member named in `DELETE …/member` is removed, which is pushed to the others; with `hisihi.auth=token` only admins remove, so that members cannot remove themselves",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* organisationGroup(context)
    const seen = yield* Xuanxuan.seesRemoved(context, target)
    yield* seen(yield* yield* Hisihi.removeMember(context, target))
  })
}

export const appsTakeNothing: Reason = {
  letter: "o",
  because:
    "spark, hisihi and youdu have no connections of users: nothing is delivered to a user or read by a user through them",
  instead:
    "messages wait for a member's chat client, even if the member's app has sent meanwhile, which counts as reading",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* group("spark")(context)
    const content = fresh("waits all the same")
    yield* Xuanxuan.sayIn(context, target, content)
    yield* Spark.push(context, { ...target, lead: OFFLINE }, fresh("said while away"))
    yield* Youdu.session(context, target.gid)
    const { delivered } = yield* context.reconnectFor(content)
    assert.isTrue(delivered.some((message) => message.content === content))
    // ha shows the same for a direct chat with messages of both through spark. A later message of the recipient counts as
    // reading it.
    const two = yield* pair(OFFLINE)(context)
    const waiting = fresh("waits in a pair")
    const gid = yield* Spark.push(context, two, waiting)
    yield* Spark.push(context, { ...two, lead: OFFLINE }, fresh("said while away"))
    const shown = () =>
      Effect.map(Ha.list(context, "alice", two), (all) => all.find(({ messagekey }) => messagekey === gid))
    assert.deepInclude(yield* shown(), { ispushed: 0, isread: 1 })
    yield* context.reconnectFor(waiting)
    assert.deepInclude(yield* shown(), { ispushed: 1, isread: 1 })
  })
}

export const haTakesNothing: Reason = {
  letter: "p",
  because: "ha has no connections for pushes",
  instead: "listing marks as read, and removes nothing from the queue: the message is still delivered to a chat client",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* pair(OFFLINE)(context)
    const content = fresh("listed, then taken")
    const gid = yield* Xuanxuan.sayIn(context, target, content)
    yield* Ha.list(context, OFFLINE, target)
    const shown = (yield* Ha.list(context, "alice", target)).find(({ messagekey }) => messagekey === gid)
    assert.deepInclude(shown, { ispushed: 0, isread: 1 })
    yield* context.reconnectFor(content)
  })
}

export const onlyHaShowsStates: Reason = {
  letter: "q",
  because: "only ha's document shows the progress of another member",
  instead: "nothing is pushed, and chats and messages do not change",
  proof: Effect.fnUntraced(function* (context) {
    const target = yield* pair("bob")(context)
    const alice = context.clientOf("alice")
    yield* alice.get("message", [
      { gid: newGid(), cgid: target.gid, contentType: "text", content: fresh("read by bob") }
    ])
    const history = () => alice.get<ReadonlyArray<Fields>>("history", { gid: target.gid })
    const pushes = () =>
      alice.received.filter(
        ({ result, data }) => result === undefined && JSON.stringify(data)?.includes(`"${target.gid}"`) === true
      )
    const [before, heard] = [yield* history(), pushes().length]
    yield* Ha.list(context, "bob", target)
    assert.deepStrictEqual(yield* history(), before)
    assert.strictEqual(pushes().length, heard)
  })
}
