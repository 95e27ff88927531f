/**
 * The two wire profiles: `documented`, and `client-1.0` for what the published 1.0 desktop client reads.
 * Source: PROTOCOLS, "Two wire profiles".
 */
import type { Serializer } from "@parley/core/Serializer"
import { bundling, packetsOf, type WireNames } from "./encode.ts"

export const profileNames = ["documented", "client-1.0"] as const
export type ProfileName = (typeof profileNames)[number]

export const isProfileName = (name: string): name is ProfileName =>
  (profileNames as ReadonlyArray<string>).includes(name)

export interface Profile extends Serializer {
  readonly name: ProfileName
  readonly vocabulary: WireNames
}

/** The document's own sentence. */
const TAKEN_OVER = "This account logined in another place."

/** What is answered where there is no request to echo. */
export const refusedFrame = (message: string): string =>
  JSON.stringify({ module: "null", method: "null", result: "fail", message })

const rejectionText = (reason: Parameters<Serializer["rejected"]>[0]): string => {
  switch (reason._tag) {
    case "TooManyOfAddress":
      return "There are too many connections from this address; please try again later."
    case "LoginDeadline":
      return `A connection must log in within ${reason.seconds} seconds.`
    case "InputExhausted":
      return "Too much is waiting for the server to read; please try again later."
    case "HttpRequest":
      return "This port takes no HTTP requests."
  }
}

export const makeProfile = (name: ProfileName, known: Omit<WireNames, "members">): Profile => {
  const client = name === "client-1.0"
  const vocabulary: WireNames = { ...known, members: client ? "ids" : "objects" }
  const takenOver = client
    ? { module: "chat", method: "kickoff", message: TAKEN_OVER }
    : { module: "null", method: "null", message: TAKEN_OVER }
  return {
    name,
    vocabulary,
    encode: (event) => packetsOf(event, vocabulary),
    framing: bundling,
    takenOver: JSON.stringify([takenOver]),
    connectionLimitReached: refusedFrame("There are too many connections; please try again later."),
    rejected: (reason) => refusedFrame(rejectionText(reason)),
    invalidUtf8: refusedFrame("The frame is not UTF-8."),
    oversized: (limit) => refusedFrame(`A frame may have at most ${limit} bytes.`),
    acknowledgement: client ? "implicit" : "explicit"
  }
}
