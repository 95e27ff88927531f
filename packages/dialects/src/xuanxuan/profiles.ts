/**
 * The two wire profiles: `documented`, and `client-1.0` for the published 1.0 desktop client.
 * Source: PROTOCOLS, "Two wire profiles".
 */
import { nextEphemeralId, type UserId } from "@parley/core/Ids"
import type { Serializer } from "@parley/core/Serializer"
import type { PresentUser, User } from "@parley/core/User"
import { asciiJson } from "./ascii.ts"
import { changePackets10, contentOf10, userOf10 } from "./client10.ts"
import { contentOf } from "./content.ts"
import {
  cachedMessageText,
  changePackets,
  encodeMessage,
  framing,
  type Json,
  packetOfText,
  packetsOf,
  userJson,
  type WireFormat
} from "./encode.ts"
import { transientPacket } from "./parleyMethods.ts"

export const profileNames = ["documented", "client-1.0"] as const
export type ProfileName = (typeof profileNames)[number]

export const isProfileName = (name: string): name is ProfileName =>
  (profileNames as ReadonlyArray<string>).includes(name)

export interface Profile extends Serializer {
  readonly name: ProfileName
  readonly wireFormat: WireFormat
}

/** Sentence from the document. */
const TAKEN_OVER = "This account logined in another place."

/** Encodes a failure without a request to echo. */
export const refusedFrame = (message: string): string =>
  JSON.stringify({ module: "null", method: "null", result: "fail", message })

const rejectionText = (reason: Parameters<Serializer["rejected"]>[0]): string => {
  switch (reason._tag) {
    case "TooManyOfAddress":
      return "Too many connections from this address; retry later."
    case "LoginDeadline":
      return `A connection must log in within ${reason.seconds} seconds.`
    case "InputExhausted":
      return "The server's input buffers are full; retry later."
    case "HttpRequest":
      return "This port does not accept HTTP requests."
  }
}

/** Facts that encoding reads from memory. */
export interface EncodingFacts extends Pick<WireFormat, "accountOf" | "nameOf" | "allUsers"> {
  /** Returns all users whom this one may see, in this profile's encoding, without brackets. */
  readonly userList: (viewer: User) => string
  /** Returns an embedder's own id of a user; undefined without a directory. */
  readonly externalIdOf: (user: UserId) => string | undefined
}

const wireFormatOf = (name: ProfileName, facts: EncodingFacts): WireFormat => {
  const parts =
    name === "client-1.0"
      ? ({ members: "ids", jsonText: asciiJson, userJson: userOf10, contentOf: contentOf10 } as const)
      : ({
          members: "objects",
          jsonText: (json: string) => json,
          userJson: (user: PresentUser): Json => {
            const externalId = facts.externalIdOf(user.id)
            return externalId === undefined ? userJson(user) : { ...userJson(user), externalId }
          },
          contentOf
        } as const)
  const { accountOf, nameOf, allUsers } = facts
  return {
    accountOf,
    nameOf,
    allUsers,
    ...parts,
    messageText: cachedMessageText((message, chat) => encodeMessage(message, chat, parts))
  }
}

const userListPacket = (users: string): string => packetOfText(nextEphemeralId(), "userGetList", users)

export const makeProfile = (name: ProfileName, facts: EncodingFacts): Profile => {
  const isClient10 = name === "client-1.0"
  const wireFormat = wireFormatOf(name, facts)
  const encodeChange = isClient10 ? changePackets10 : changePackets
  const takenOver = isClient10
    ? { module: "chat", method: "kickoff", message: TAKEN_OVER }
    : { module: "null", method: "null", message: TAKEN_OVER }
  return {
    name,
    wireFormat,
    encode: (event) => {
      if (event._tag === "ChatEvent" || event._tag === "UserEvent") return packetsOf(event, wireFormat, encodeChange)
      // Clients of the documents keep every message, and have no receipts.
      if (event._tag === "TransientMessageEvent" || event._tag === "DeliveredEvent") return []
      return [wireFormat.jsonText(transientPacket(event))]
    },
    // The 1.0 client replaces its list by every one that it gets.
    encodeNewUsers: (users) => {
      const [first] = users
      if (first === undefined) return []
      return [
        isClient10
          ? userListPacket(`[${facts.userList(first)}]`)
          : userListPacket(JSON.stringify(users.map(wireFormat.userJson)))
      ]
    },
    framing: framing,
    takenOver: JSON.stringify([takenOver]),
    connectionLimitReached: refusedFrame("Too many connections; retry later."),
    rejected: (reason) => refusedFrame(rejectionText(reason)),
    invalidUtf8: refusedFrame("The frame is not UTF-8."),
    oversized: (limit) => refusedFrame(`A frame may have at most ${limit} bytes.`),
    acknowledgement: isClient10 ? "implicit" : "explicit"
  }
}
