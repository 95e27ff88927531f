/** Every operation through every protocol, observed through every protocol. */
import { Effect } from "effect"
import { pair, chatsForMembers, chatsForMessages } from "./fixture.ts"
import { protocols, type Row, row } from "./Declaration.ts"
import type { Created, Edited, Hidden, Joined, ReadUpTo, Recalled, Renamed, Sent, Taken } from "./actions.ts"
import * as Ha from "./Ha.ts"
import * as Hisihi from "./Hisihi.ts"
import type { CellChat } from "./CellChat.ts"
import * as Because from "./Reasons.ts"
import * as Rtm from "./Rtm.ts"
import * as Spark from "./Spark.ts"
import { OFFLINE } from "./context.ts"
import * as Xuanxuan from "./Xuanxuan.ts"
import * as Youdu from "./Youdu.ts"

const targets = chatsForMessages(Because.pairOrGroup)
const placesOfWhoIsAway = chatsForMessages(Because.pairOrGroup, OFFLINE)
const groups = chatsForMembers(Because.pairsStay)

const saysNothing = { hisihi: Because.hisihiSaysNothing }
const takesNothingBack = { ...saysNothing, youdu: Because.youduTakesNothingBack }

const readsNothing = { spark: Because.sparkReadsNothing, hisihi: Because.hisihiReadsNothing }

/** Users that create a direct chat with `bob`, each once. */
const FIRST = { xuanxuan: "dave", rtm: OFFLINE, ha: { xuanxuan: "erin", ha: "admin", rtm: "alice" } } as const

export const table: ReadonlyArray<Row> = [
  row<string, Created>({
    operation: "create",
    description:
      "pushed at once to members' chat clients; the list, `session/get` (version 1), `Members` with `md5`, the organisation's groups and the conversation's id agree",
    chats: (sender, reader) => {
      if (sender === "ha" || reader === "ha") {
        if (sender === "xuanxuan") return [() => Effect.succeed(FIRST.xuanxuan)]
        if (sender === "rtm") return [() => Effect.succeed(FIRST.rtm)]
        if (sender !== "ha" || !(reader in FIRST.ha)) return Because.pairOrGroup
        return [() => Effect.succeed(FIRST.ha[reader as keyof typeof FIRST.ha])]
      }
      return reader === "hisihi" && sender !== "hisihi" ? Because.hisihiListsItsOwn : [() => Effect.succeed("alice")]
    },
    send: {
      xuanxuan: (context, creator) =>
        creator === FIRST.xuanxuan ? Xuanxuan.createPair(context, creator) : Xuanxuan.createGroup(context, creator),
      spark: Spark.create,
      hisihi: Hisihi.create,
      ha: Ha.create,
      youdu: Youdu.create,
      rtm: (context, creator) =>
        creator === FIRST.rtm ? Rtm.createPair(context, creator) : Rtm.createGroup(context, creator)
    },
    read: {
      xuanxuan: Xuanxuan.seesCreated,
      spark: Spark.seesCreated,
      hisihi: Hisihi.seesCreated,
      ha: Ha.seesCreated,
      youdu: Youdu.seesCreated,
      rtm: Rtm.seesCreated
    }
  }),
  row<CellChat, Sent>({
    operation: "send text",
    description:
      "pushed at once to chat clients and to the callback of an app of youdu in the chat, and the newest in the history and in the list",
    chats: targets,
    send: {
      xuanxuan: Xuanxuan.sendText,
      spark: Spark.sendText,
      ha: Ha.sendText,
      youdu: Youdu.sendText,
      rtm: Rtm.sendText,
      ...saysNothing
    },
    read: { xuanxuan: Xuanxuan.seesSent, ha: Ha.seesSent, youdu: Youdu.seesSent, rtm: Rtm.seesSent, ...readsNothing }
  }),
  row<CellChat, Sent>({
    operation: "send text to an offline member",
    description:
      "stored for the next login, or until the callback responds, and delivered once then; listed as not pushed",
    chats: placesOfWhoIsAway,
    send: {
      xuanxuan: Xuanxuan.sendText,
      spark: Spark.sendText,
      ha: Ha.sendText,
      youdu: Youdu.sendText,
      rtm: Rtm.sendText,
      ...saysNothing
    },
    read: {
      xuanxuan: Xuanxuan.findsSent,
      ha: Ha.findsSent,
      youdu: Youdu.findsSent,
      rtm: Rtm.findsSent,
      ...readsNothing
    }
  }),
  row<CellChat, Sent>({
    operation: "send image",
    description: "like a text; a chat client gets JSON with its `url`, ha the link",
    chats: targets,
    send: {
      xuanxuan: Xuanxuan.sendImage,
      spark: Spark.sendImage,
      ha: Ha.sendImage,
      youdu: Youdu.sendImage,
      rtm: Rtm.sendImage,
      ...saysNothing
    },
    read: { xuanxuan: Xuanxuan.seesSent, ha: Ha.seesSent, youdu: Youdu.seesSent, rtm: Rtm.seesSent, ...readsNothing }
  }),
  row<CellChat, Recalled>({
    operation: "recall",
    description:
      "pushed again with its id and gid, empty and `recalled` (by xuanxuan with the module `parley`); the same in the history; removed from both lists of ha",
    chats: targets,
    send: { xuanxuan: Xuanxuan.recall, spark: Spark.recall, ha: Ha.recall, rtm: Rtm.recall, ...takesNothingBack },
    read: {
      xuanxuan: Xuanxuan.seesRecalled,
      ha: Ha.seesRecalled,
      youdu: Because.callbackHasNoRecall,
      rtm: Rtm.seesRecalled,
      ...readsNothing
    }
  }),
  row<CellChat, Recalled>({
    operation: "recall before it is delivered",
    description: "never delivered, and empty in the history",
    chats: placesOfWhoIsAway,
    send: {
      xuanxuan: Xuanxuan.recallUnseen,
      spark: Spark.recallUnseen,
      ha: Ha.recallUnseen,
      rtm: Rtm.recallUnseen,
      ...takesNothingBack
    },
    read: {
      xuanxuan: Xuanxuan.neverFindsRecalled,
      ha: Ha.seesRecalled,
      youdu: Youdu.neverFindsRecalled,
      rtm: Rtm.findsRecalled,
      ...readsNothing
    }
  }),
  row<CellChat, Recalled>({
    operation: "recall while its recipient is offline",
    description: "delivered at the next login with its gid, empty and `recalled`",
    chats: placesOfWhoIsAway,
    send: {
      xuanxuan: Xuanxuan.recallTaken,
      spark: Spark.recallTaken,
      ha: Ha.recallTaken,
      rtm: Rtm.recallTaken,
      ...takesNothingBack
    },
    read: {
      xuanxuan: Xuanxuan.findsRecalled,
      ha: Ha.seesRecalled,
      youdu: Because.callbackHasNoRecall,
      rtm: Rtm.findsRecalled,
      ...readsNothing
    }
  }),
  row<CellChat, Edited>({
    operation: "edit",
    description:
      "pushed again with its id and gid and the new content; the same in the history and in both lists of ha",
    chats: targets,
    send: {
      xuanxuan: Xuanxuan.edit,
      spark: Because.onlyChatClientsEdit,
      ha: Because.onlyChatClientsEdit,
      youdu: Because.onlyChatClientsEdit,
      rtm: Rtm.edit,
      ...saysNothing
    },
    read: {
      xuanxuan: Xuanxuan.seesEdited,
      ha: Ha.seesEdited,
      youdu: Youdu.seesEdited,
      rtm: Rtm.seesEdited,
      ...readsNothing
    }
  }),
  row<CellChat, Edited>({
    operation: "edit before it is delivered",
    description: "delivered once, at the next login, with the new content",
    chats: placesOfWhoIsAway,
    send: {
      xuanxuan: Xuanxuan.edit,
      spark: Because.onlyChatClientsEdit,
      ha: Because.onlyChatClientsEdit,
      youdu: Because.onlyChatClientsEdit,
      rtm: Rtm.edit,
      ...saysNothing
    },
    read: {
      xuanxuan: Xuanxuan.findsEdited,
      ha: Ha.seesEdited,
      youdu: Youdu.findsEdited,
      rtm: Rtm.findsEdited,
      ...readsNothing
    }
  }),
  row<CellChat, Hidden>({
    operation: "delete for one user",
    description: "removed from that user's list and history, and still in the other's",
    chats: targets,
    send: {
      xuanxuan: Because.onlyHaHides,
      spark: Because.onlyHaHides,
      hisihi: Because.onlyHaHides,
      ha: Ha.hide,
      youdu: Because.onlyHaHides,
      rtm: Because.onlyHaHides
    },
    read: {
      xuanxuan: Xuanxuan.seesHidden,
      ha: Ha.seesHidden,
      youdu: Because.onlyHaHides,
      rtm: Rtm.seesHidden,
      ...readsNothing
    }
  }),
  row<CellChat, Renamed>({
    operation: "rename",
    description:
      "pushed at once to chat clients; lists, contacts and `title` have the new name; youdu's version rises by one",
    chats: groups,
    send: {
      xuanxuan: Xuanxuan.rename,
      spark: Spark.rename,
      hisihi: Hisihi.rename,
      ha: Because.pairsStay,
      youdu: Youdu.rename,
      rtm: Rtm.rename
    },
    read: {
      xuanxuan: Xuanxuan.seesRenamed,
      spark: Because.sparkNamesNothing,
      hisihi: Hisihi.seesRenamed,
      ha: Because.pairsStay,
      youdu: Youdu.seesRenamed,
      rtm: Rtm.seesRenamed
    }
  }),
  row<CellChat, Joined>({
    operation: "add member",
    description:
      "pushed at once to the members and the new one; `Members`, `md5` and `member` follow; youdu's version rises by one",
    chats: groups,
    send: {
      xuanxuan: Xuanxuan.addMember,
      spark: Spark.addMember,
      hisihi: Hisihi.addMember,
      ha: Because.pairsStay,
      youdu: Youdu.addMember,
      rtm: Rtm.addMember
    },
    read: {
      xuanxuan: Xuanxuan.seesJoined,
      spark: Spark.seesJoined,
      hisihi: Because.hisihiListsNoMembers,
      ha: Because.pairsStay,
      youdu: Youdu.seesJoined,
      rtm: Rtm.seesJoined
    }
  }),
  row<CellChat, Joined>({
    operation: "remove member",
    description:
      "pushed at once to the remaining members and the removed one, whose list no longer has the chat; the rest like adding",
    chats: groups,
    send: {
      xuanxuan: Xuanxuan.removeMember,
      spark: Spark.removeMember,
      hisihi: Hisihi.removeMember,
      ha: Because.pairsStay,
      youdu: Youdu.removeMember,
      rtm: Rtm.removeMember
    },
    read: {
      xuanxuan: Xuanxuan.seesRemoved,
      spark: Spark.seesRemoved,
      hisihi: Because.hisihiListsNoMembers,
      ha: Because.pairsStay,
      youdu: Youdu.seesRemoved,
      rtm: Rtm.seesRemoved
    }
  }),
  row<CellChat, Joined>({
    operation: "leave",
    description:
      "like removing a member, by a push of `joinChat`; a 1.0 client gets `addMember`, and its own leave as `joinChat`",
    chats: groups,
    send: {
      xuanxuan: Xuanxuan.leave,
      spark: Because.sparkHasNoLeaving,
      hisihi: Because.hisihiHasNobodyToLeave,
      ha: Because.pairsStay,
      youdu: Youdu.leave,
      rtm: Rtm.leave
    },
    read: {
      xuanxuan: Xuanxuan.seesLeft,
      spark: Spark.seesLeft,
      hisihi: Because.hisihiListsNoMembers,
      ha: Because.pairsStay,
      youdu: Youdu.seesLeft,
      rtm: Rtm.seesLeft
    }
  }),
  row<CellChat, Taken>({
    operation: "deliver",
    description:
      "`ispushed` becomes 1 once the message was pushed to a connection of the other user, or counted in a notice of rtm; `isread` stays",
    chats: () => [pair(OFFLINE)],
    send: {
      xuanxuan: Xuanxuan.takeDelivery,
      spark: Because.appsTakeNothing,
      hisihi: Because.appsTakeNothing,
      ha: Because.haTakesNothing,
      youdu: Because.appsTakeNothing,
      rtm: Rtm.takeDelivery
    },
    read: {
      xuanxuan: Because.onlyHaShowsStates,
      ha: Ha.seesTaken,
      youdu: Because.onlyHaShowsStates,
      rtm: Because.onlyHaShowsStates,
      ...readsNothing
    }
  }),
  row<CellChat, ReadUpTo>({
    operation: "read",
    description: "`isread` becomes 1 once the other user has listed the message, or marked it as read",
    chats: () => [pair("bob")],
    send: {
      xuanxuan: Xuanxuan.read,
      spark: Because.appsTakeNothing,
      hisihi: Because.appsTakeNothing,
      ha: Ha.read,
      youdu: Because.appsTakeNothing,
      rtm: Rtm.read
    },
    read: {
      xuanxuan: Because.onlyHaShowsStates,
      ha: Ha.seesRead,
      youdu: Because.onlyHaShowsStates,
      rtm: Because.onlyHaShowsStates,
      ...readsNothing
    }
  })
]

/** All cells, by row. */
export const cells = table.flatMap((operation) =>
  protocols.flatMap((sender) =>
    protocols.map((reader) => ({
      operation: operation.operation,
      sender,
      reader,
      cell: operation.cell(sender, reader)
    }))
  )
)
