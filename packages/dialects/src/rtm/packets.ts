/**
 * Packets as the core delivers them: a text with the clients that a command is for, and its bytes. A command is encoded once for
 * all its recipients; the connection of each client adds the client's id, which is a field of its own.
 */
import { type EncodedChunk, Frame } from "@parley/core/Frame"
import type { UserId } from "@parley/core/Ids"
import * as Base64 from "effect/encoding/Base64"
import { fromBinaryText, toBinaryText } from "./binary.ts"
import { type Command, encodeCommand } from "./codec.ts"

/** The users who get a push, among those to whom the core delivers it. */
export type Recipients = "all" | { readonly only: ReadonlyArray<UserId> } | { readonly except: ReadonlyArray<UserId> }

/** First character of a packet. */
const REPLY = "r"
const ALL = "a"
const ONLY = "o"
const EXCEPT = "e"
/** Ends the list of users. */
const END = "\n"

/** Returns the packet of a reply, which has the client's id already. */
export const replyPacket = (command: Command): string => REPLY + toBinaryText(encodeCommand(command))

/** Returns the packet of a push; without a client's id. */
export const pushPacket = (command: Command, to: Recipients = "all"): string => {
  const bytes = toBinaryText(encodeCommand(command))
  if (to === "all") return ALL + bytes
  return "only" in to ? `${ONLY}${to.only.join(",")}${END}${bytes}` : `${EXCEPT}${to.except.join(",")}${END}${bytes}`
}

/** Whether a packet is a reply. */
export const isReply = (packet: string): boolean => packet.startsWith(REPLY)

/** Whether a user is one of the recipients. */
export const includes = (to: Recipients, user: UserId): boolean =>
  to === "all" || ("only" in to ? to.only.includes(user) : !to.except.includes(user))

/** Returns whether a packet is for a user. */
export const isFor = (packet: string, user: UserId | undefined): boolean => {
  const kind = packet.charAt(0)
  if (kind !== ONLY && kind !== EXCEPT) return true
  const listed = packet.slice(1, packet.indexOf(END)).split(",")
  return listed.includes(String(user)) === (kind === ONLY)
}

/** Returns the bytes of a packet's command. */
export const bytesOfPacket = (packet: string): Uint8Array => {
  const kind = packet.charAt(0)
  return fromBinaryText(packet, kind === ONLY || kind === EXCEPT ? packet.indexOf(END) + 1 : 1)
}

/** Frames of the packets that go to several clients without a client's id, by format. */
const frames = { binary: new WeakMap<EncodedChunk, Frame>(), base64: new WeakMap<EncodedChunk, Frame>() }

/** Returns the frame of a command's bytes. */
export const frameOf = (bytes: Uint8Array, format: keyof typeof frames): Frame =>
  new Frame(format === "binary" ? bytes : Base64.encode(bytes))

/** Returns the frame of a packet without a client's id, the same for all clients. */
export const sharedFrameOf = (packet: EncodedChunk, format: keyof typeof frames): Frame => {
  const known = frames[format].get(packet)
  if (known !== undefined) return known
  const frame = frameOf(packet.utf8(bytesOfPacket), format)
  frames[format].set(packet, frame)
  return frame
}

/** Returns the bytes of a client's id, to be put before or behind those of a command. */
export const peerIdBytes = (peerId: string): Uint8Array => encodeCommand({ peerId })
