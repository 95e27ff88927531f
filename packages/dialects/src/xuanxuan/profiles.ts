/**
 * The two wire profiles: `documented`, and `client-1.0` for the published 1.0 desktop client.
 * Source: PROTOCOLS, "Two wire profiles".
 */
import type { Serializer } from "@parley/core/Serializer"
import { framing, packetsOf, type WireFormat } from "./encode.ts"
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

export const makeProfile = (name: ProfileName, options: Omit<WireFormat, "members">): Profile => {
  const isClient10 = name === "client-1.0"
  const wireFormat: WireFormat = { ...options, members: isClient10 ? "ids" : "objects" }
  const takenOver = isClient10
    ? { module: "chat", method: "kickoff", message: TAKEN_OVER }
    : { module: "null", method: "null", message: TAKEN_OVER }
  return {
    name,
    wireFormat,
    encode: (event) =>
      event._tag === "ChatEvent" || event._tag === "UserEvent"
        ? packetsOf(event, wireFormat)
        : [transientPacket(event)],
    framing: framing,
    takenOver: JSON.stringify([takenOver]),
    connectionLimitReached: refusedFrame("Too many connections; retry later."),
    rejected: (reason) => refusedFrame(rejectionText(reason)),
    invalidUtf8: refusedFrame("The frame is not UTF-8."),
    oversized: (limit) => refusedFrame(`A frame may have at most ${limit} bytes.`),
    acknowledgement: isClient10 ? "implicit" : "explicit"
  }
}
