/**
 * Texts sealed for an app: AES-256-CBC with a key of 32 bytes in base64, whose first 16 are the IV, over 16 random bytes,
 * the text's length as four bytes (big-endian), the text and the app's id, padded as in PKCS#7 to 32 bytes; in base64.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"

const BLOCK = 16
const PAD = 32
/** Bytes of the random prefix and the length. */
const HEAD = 20

const parts = (key: string): readonly [key: Buffer, iv: Buffer] => {
  const bytes = Buffer.from(key, "base64")
  return [bytes, bytes.subarray(0, BLOCK)]
}

export const seal = (text: string, key: string, app: string): string => {
  const content = Buffer.from(text)
  const head = randomBytes(HEAD)
  head.writeUInt32BE(content.length, BLOCK)
  const plain = Buffer.concat([head, content, Buffer.from(app)])
  const missing = PAD - (plain.length % PAD)
  const cipher = createCipheriv("aes-256-cbc", ...parts(key)).setAutoPadding(false)
  return Buffer.concat([cipher.update(plain), cipher.update(Buffer.alloc(missing, missing)), cipher.final()]).toString(
    "base64"
  )
}

/** The text; `undefined` if it is not sealed with this key for this app. */
export const opened = (sealed: string, key: string, app: string): string | undefined => {
  try {
    const decipher = createDecipheriv("aes-256-cbc", ...parts(key)).setAutoPadding(false)
    const plain = Buffer.concat([decipher.update(Buffer.from(sealed, "base64")), decipher.final()])
    const end = plain.length - (plain.at(-1) ?? 0)
    const from = HEAD + plain.readUInt32BE(BLOCK)
    const isOurs = plain.length % PAD === 0 && plain.subarray(from, end).equals(Buffer.from(app))
    return isOurs ? plain.subarray(HEAD, from).toString("utf8") : undefined
  } catch {
    return undefined
  }
}
