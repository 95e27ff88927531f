/** The clients' envelope on Node's own cipher; shares no code with the tested one. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"

export const DEMO = { buin: 14797363, appId: "yd-demo", key: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" } as const

export const pad = (plain: Buffer): Buffer => {
  const missing = 32 - (plain.length % 32)
  return Buffer.concat([plain, Buffer.alloc(missing, missing)])
}

/** Seals bytes that are already padded. */
export const encrypted = (padded: Buffer, key: string = DEMO.key): string => {
  const bytes = Buffer.from(key, "base64")
  const cipher = createCipheriv("aes-256-cbc", bytes, bytes.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([cipher.update(padded), cipher.final()]).toString("base64")
}

export const decrypted = (sealed: string, key: string = DEMO.key): Buffer => {
  const bytes = Buffer.from(key, "base64")
  const decipher = createDecipheriv("aes-256-cbc", bytes, bytes.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([decipher.update(Buffer.from(sealed, "base64")), decipher.final()])
}

export const frame = (text: string, appId: string): Buffer => frameOf(Buffer.from(text), appId)

export const frameOf = (content: Uint8Array, appId: string): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([randomBytes(16), length, content, Buffer.from(appId)])
}

export const seal = (text: string, key: string = DEMO.key, appId: string = DEMO.appId): string =>
  encrypted(pad(frame(text, appId)), key)

/** Seals a file. */
export const sealBytes = (content: Uint8Array, key: string = DEMO.key): string =>
  encrypted(pad(frameOf(content, DEMO.appId)), key)

/** Opens a sealed file. */
export const openBytes = (sealed: string, key: string = DEMO.key): Buffer => {
  const plain = decrypted(sealed, key)
  return plain.subarray(20, 20 + plain.readUInt32BE(16))
}

/** Returns the text and its app. */
export const open = (sealed: string, key: string = DEMO.key): { readonly text: string; readonly appId: string } => {
  const plain = decrypted(sealed, key)
  const end = plain.length - (plain.at(-1) ?? 0)
  const length = plain.readUInt32BE(16)
  return {
    text: plain.subarray(20, 20 + length).toString("utf8"),
    appId: plain.subarray(20 + length, end).toString("utf8")
  }
}
