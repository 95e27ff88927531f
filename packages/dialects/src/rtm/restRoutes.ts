/**
 * The REST API for app servers, version 1.2: conversations and clients. Source: the service's public documentation of its
 * REST API; RTM, "REST".
 */
import type { RouteTable } from "../_http/protocolRoutes.ts"
import type { Deps } from "./context.ts"
import { namedApp } from "./restAuth.ts"
import { checkOnline, countUnread, kickClient, signLogin } from "./restClients.ts"
import { createConversation, deleteConversation, editConversation, readConversation } from "./restConversations.ts"
import { addMembers, blacklist, listMembers, listMuted, muteFor, removeMembers, silenced } from "./restMembers.ts"
import { changeMessage, deleteMessage, listMessages, recallMessage, sendMessage } from "./restMessages.ts"
import { listConversations } from "./restQuery.ts"
import { restHandler, type RestOperation } from "./restRequest.ts"

const CONVERSATIONS = "/1.2/rtm/conversations"
/** Path of the signature that the SDKs request for a user who is logged in. */
const SDK_SIGN = "/1.1/rtm/sign"
const CLIENTS = "/1.2/rtm/clients"

export const restRoutes = (deps: Deps): RouteTable => {
  const rest = (operation: RestOperation) => restHandler(deps, operation)
  return {
    [CONVERSATIONS]: { GET: rest(listConversations), POST: rest(createConversation) },
    [`${CONVERSATIONS}/:id`]: {
      GET: rest(readConversation),
      PUT: rest(editConversation),
      DELETE: rest(deleteConversation)
    },
    [`${CONVERSATIONS}/:id/members`]: {
      GET: rest(listMembers),
      POST: rest(addMembers),
      DELETE: rest(removeMembers)
    },
    [`${CONVERSATIONS}/:id/mutes`]: { GET: rest(listMuted), POST: rest(muteFor(true)), DELETE: rest(muteFor(false)) },
    [`${CONVERSATIONS}/:id/permanent-silenceds`]: {
      GET: rest(silenced.list),
      POST: rest(silenced.add),
      DELETE: rest(silenced.remove)
    },
    [`${CONVERSATIONS}/:id/blacklists`]: {
      GET: rest(blacklist.list),
      POST: rest(blacklist.add),
      DELETE: rest(blacklist.remove)
    },
    [`${CONVERSATIONS}/:id/messages`]: { GET: rest(listMessages), POST: rest(sendMessage) },
    [`${CONVERSATIONS}/:id/messages/:message`]: { PUT: rest(changeMessage), DELETE: rest(deleteMessage) },
    [`${CONVERSATIONS}/:id/messages/:message/recall`]: { PUT: rest(recallMessage) },
    [`${CLIENTS}/check-online`]: { POST: rest(checkOnline) },
    [`${CLIENTS}/sign`]: { GET: restHandler(deps, signLogin, namedApp) },
    [SDK_SIGN]: { POST: restHandler(deps, signLogin, namedApp) },
    [`${CLIENTS}/:client/unread-count`]: { GET: rest(countUnread) },
    [`${CLIENTS}/:client/kick`]: { POST: rest(kickClient) }
  }
}
