/** Encodes single WebSocket frames as RFC 6455 has them, also those that it forbids. */
import { randomBytes } from "node:crypto"
import { isObject, type Json, type JsonObject } from "../Json.ts"

const number = (value: Json | undefined, otherwise: number): number => (typeof value === "number" ? value : otherwise)

/** Stands for a byte that is not part of UTF-8. */
const SPOILT = "\ufffd"

/** The JSON text of `json`, or `text`; of it the bytes `from` … `to`. U+FFFD becomes the byte ff. */
const payloadOf = ({ json, text, from, to }: JsonObject): Buffer => {
  const written = json === undefined ? (typeof text === "string" ? text : "") : JSON.stringify(json)
  const parts = written.split(SPOILT).map((part, index) => [Buffer.from(index === 0 ? [] : [0xff]), Buffer.from(part)])
  const whole = Buffer.concat(parts.flat())
  return whole.subarray(number(from, 0), number(to, whole.length))
}

const lengthOf = (length: number): Buffer => {
  if (length < 126) return Buffer.from([length])
  const long = Buffer.alloc(length < 65_536 ? 3 : 9)
  long[0] = length < 65_536 ? 126 : 127
  if (length < 65_536) long.writeUInt16BE(length, 1)
  else long.writeBigUInt64BE(BigInt(length), 1)
  return long
}

/**
 * The bytes of a frame: `opcode`, `fin` (true by default), `rsv` (the reserved bits, 0 by default), `mask` (true by
 * default) and the payload.
 */
export const webSocketFrame = (frame: Json): Buffer => {
  if (!isObject(frame)) return Buffer.alloc(0)
  const payload = payloadOf(frame)
  const isMasked = frame["mask"] !== false
  const head = (frame["fin"] === false ? 0 : 128) | (number(frame["rsv"], 0) << 4) | number(frame["opcode"], 1)
  const length = lengthOf(payload.length)
  length[0] = (length[0] ?? 0) | (isMasked ? 128 : 0)
  if (!isMasked) return Buffer.concat([Buffer.from([head]), length, payload])
  const key = randomBytes(4)
  const masked = payload.map((byte, index) => byte ^ (key[index % 4] ?? 0))
  return Buffer.concat([Buffer.from([head]), length, key, masked])
}
